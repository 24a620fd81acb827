import type {
  Administration,
  Enforcement,
  RevokePreview,
  RevokeReport,
  RevokeTarget,
  RotatePreview,
  RotateReport,
} from '@datapunk/authority'
import type { ConsoleAction, ConsoleDone, ConsolePlan, ConsoleState } from '@datapunk/protocol/console'
import { enforcementLines } from '../revocation.ts'
import { countText } from '../text/action-text.ts'
import { timeText } from '../text/time-text.ts'

/** How long live peers are waited for. Milliseconds. */
const WAIT = 10_000

type Effect = ConsolePlan['effects'][number]

/** What an action would do, as the command with `--plan` says it. */
export async function planOfAction(
  administration: Administration,
  action: ConsoleAction,
): Promise<ConsolePlan> {
  if (action.action === 'rotate') {
    const preview = await administration.previewRotation({ what: 'pairs', service: action.service })
    return {
      title: `Rotate ${action.service}?`,
      effects: rotationEffects(preview),
      command: `mtls rotate ${action.service}`,
    }
  }
  const { target, reason } = action
  const name = nameOf(target)
  return {
    title: `Revoke ${name}?`,
    effects: revocationEffects(await administration.previewRevocation({ targets: [target], reason })),
    command: `mtls revoke ${name} --reason ${reason}`,
  }
}

export async function actOn(administration: Administration, action: ConsoleAction): Promise<ConsoleDone> {
  if (action.action === 'rotate')
    return rotated(await administration.rotate({ what: 'pairs', service: action.service }))
  const { target, reason } = action
  const report = await administration.revoke({ targets: [target], reason })
  return revoked(report, await administration.enforcement({ bundle: report.bundle, wait: WAIT }))
}

function nameOf(target: Extract<RevokeTarget, { service: string } | { serial: string }>): string {
  return 'service' in target ? target.service : target.serial
}

function rotationEffects({ certificates, peers, connections, absent, elsewhere }: RotatePreview): Effect[] {
  return [
    ...elsewhere.map((one) => effect('warning', `${one} has to ask with a new CSR itself`)),
    ...absent.map((one) => effect('warning', `${one} is not live now, and is told when it comes`)),
    ...certificates.map(({ instance }) => effect('good', `${instance} gets a new key and certificate`)),
    effect('good', `${countText(connections, 'open connection')} live on until their own end`),
    ...peers.map(({ instance }) => effect('quiet', `${instance} is told`)),
  ]
}

function revocationEffects(preview: RevokePreview): Effect[] {
  const { certificates, bars, lastOf, cas, already, cuts, peers } = preview
  return [
    ...cas.map((slot) => effect('bad', `${slot} is replaced, and every certificate under it is issued anew`)),
    ...cuts.map(({ service, connections }) =>
      effect('bad', `${countText(connections, 'open connection')} of ${service} to it cut at once`),
    ),
    ...lastOf.map((service) => effect('bad', `${service} is left without any certificate`)),
    ...bars.map((service) =>
      effect('bad', `${service} gets no other until \`mtls issue ${service}\` lets it in again`),
    ),
    ...certificates.map(({ serial, notAfter }) =>
      effect(
        'warning',
        `${serial.slice(0, 16)} is revoked for good; it was valid until ${timeText(notAfter)}`,
      ),
    ),
    ...already.map(({ serial, at }) =>
      effect('quiet', `${serial.slice(0, 16)} is revoked since ${timeText(at)}`),
    ),
    ...peers.map((service) => effect('quiet', `${service} is told, and waited for`)),
  ]
}

function effect(state: ConsoleState, text: string): Effect {
  return { state, text }
}

function rotated({ rotated, failed }: RotateReport): ConsoleDone {
  if (failed.length > 0)
    return { state: 'bad', text: failed.map(({ instance, message }) => `${instance}: ${message}`).join('; ') }
  const text = rotated.map(({ instance, serial }) => `${instance} has ${serial.slice(0, 16)} now`).join('; ')
  return { state: 'good', text: text === '' ? 'nothing was to be rotated' : text }
}

function revoked({ at, revoked, already }: RevokeReport, enforcement: Enforcement): ConsoleDone {
  const { late, untold } = enforcement
  const what =
    revoked.length > 0
      ? `${countText(revoked.length, 'certificate')} revoked`
      : `${countText(already.length, 'certificate')} revoked before`
  return {
    state: late.length + untold.length > 0 ? 'bad' : 'good',
    text: [what, ...enforcementLines(enforcement, at), ...late.map((one) => `late, and live: ${one}`)].join(
      '; ',
    ),
  }
}
