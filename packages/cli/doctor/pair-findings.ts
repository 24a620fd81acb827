import type { Status } from '@datapunk/authority'
import { checkPair, MeshError } from '@datapunk/mesh'
import type { ServiceConfig } from '@datapunk/protocol'
import { timeText } from '../text/time-text.ts'
import { type Examination, isRead } from './examination.ts'
import type { Finding } from './finding.ts'

/** Whether each service could join with the pair that lies where the config says: by its own code. */
export async function pairFindings(examination: Examination): Promise<Finding[]> {
  const { config, mesh } = examination
  if (!isRead(mesh)) return []
  const here = [...config.services.values()].filter((service) => isExpectedHere(service, examination))
  return (await Promise.all(here.map((service) => findingOf(service, examination)))).flat()
}

/** Keys that live elsewhere are looked at there; whoever is barred has none on purpose; what is new is still to be issued. */
function isExpectedHere({ service }: ServiceConfig, { status, mesh }: Examination): boolean {
  if (isRead(mesh) && !mesh.bundle.members.has(service)) return false
  const own = isRead(status) ? status.services.filter((one) => one.service === service) : []
  return own.every(({ pair, barred }) => pair !== 'elsewhere' && !barred)
}

async function findingOf(
  { service }: ServiceConfig,
  { config, now, status }: Examination,
): Promise<Finding[]> {
  try {
    await checkPair(service, { config, at: now })
    return []
  } catch (error) {
    if (!(error instanceof MeshError)) throw error
    // That is the mesh’s, and told once.
    if (ruleOf(error) === 'ISSUED_IN_THE_FUTURE') return []
    return [pairFinding(service, error, isRead(status) ? status.ahead : undefined)]
  }
}

/** What keeps a service from joining with its pair. @param ahead what of the mesh is of the future too */
export function pairFinding(service: string, error: MeshError, ahead: Status['ahead']): Finding {
  const { code, message, data } = error
  const rule = ruleOf(error)
  const found = `${message} [${rule}]`
  const finding = { id: idOf(rule), severity: 'error', subject: service, found } as const
  if (code === 'KEY_EXPOSED')
    return {
      ...finding,
      found: `found ${data.path} with mode ${data.found}; allowed: at most ${data.allowed}`,
      fix: `chmod ${data.allowed} ${data.path}`,
    }
  if (message.includes('(EACCES)'))
    return {
      ...finding,
      ...{ id: 'pair-closed', severity: 'note' },
      fix: 'run `mtls doctor` as the owner of the pair, or as root, to have it looked at too',
    }
  if (rule === 'CERTIFICATE_NOT_YET_VALID')
    return {
      ...finding,
      fix: `set the clock, if it is behind: \`timedatectl set-ntp true\`. If it was ahead when that was issued, ${ahead?.anew ?? `\`mtls rotate ${service}\``} makes it anew`,
    }
  return { ...finding, fix: '`mtls apply` writes the pair anew, and a running service takes it up by itself' }
}

function ruleOf({ code, data }: MeshError): string {
  return typeof data.rule === 'string' ? data.rule : code
}

/** `KEY_MISMATCH` → `key-mismatch`. */
function idOf(rule: string): string {
  return rule.toLowerCase().replaceAll('_', '-')
}

/** Whether certificates are renewed in time. */
export function renewalFindings({ status, now }: Examination): Finding[] {
  if (!isRead(status)) return []
  return status.services.flatMap(
    ({ instance, renewalDue, held, barred, failed, untold, notAfter = 0 }): Finding[] => {
      if (barred) {
        const found = 'it was revoked, and gets no certificate'
        return [
          {
            id: 'barred',
            severity: 'warning',
            subject: instance,
            found,
            fix: `\`mtls issue ${instance}\` lets it in again`,
          },
        ]
      }
      if (failed !== undefined) {
        const found = `it could not be issued a certificate: ${failed.error}; tried again at ${timeText(failed.nextTryAt)}`
        const fix = 'mend what the message says, then `mtls apply`'
        return [{ id: 'renewal-failed', severity: 'error', subject: instance, found, fix }]
      }
      if (untold !== undefined) {
        const found = `${untold.error}; tried again at ${timeText(untold.nextTryAt)}`
        const fix = 'mend `reload` in the config, or what the message says, then `mtls apply`'
        return [{ id: 'reload-failed', severity: 'error', subject: instance, found, fix }]
      }
      if (held) {
        const found = `its renewal rests since \`mtls rotate --back\`; its certificate ends at ${timeText(notAfter)}`
        return [
          {
            id: 'renewal-held',
            severity: 'warning',
            subject: instance,
            found,
            fix: `\`mtls rotate ${instance} --resume\``,
          },
        ]
      }
      if (renewalDue === undefined || renewalDue > now) return []
      const found = `it was due for renewal at ${timeText(renewalDue)}, and its certificate ends at ${timeText(notAfter)}`
      return [
        {
          id: 'renewal-late',
          severity: 'warning',
          subject: instance,
          found,
          fix: '`mtls up`, or `mtls apply` now',
        },
      ]
    },
  )
}

const DAY = 24 * 60 * 60 * 1000

/** Roll-overs begin by themselves between half and two thirds of a CA’s life; one that ends in a month is late. */
export function caFindings({ status, config, now }: Examination): Finding[] {
  if (!isRead(status)) return []
  return status.cas.flatMap(({ slot, kind, state, subject, notBefore, notAfter }): Finding[] => {
    if (state !== 'active') return []
    const rollOver = `\`mtls rotate ${kind === 'root' ? '--root-ca' : '--issuing-ca'}\``
    if (notBefore > now + config.authority.clockSkew) {
      const found = `${subject} begins at ${timeText(notBefore)}: nobody believes it, nor what it has issued, before that`
      const fix = `set the clock, if it is behind. If it was ahead when that was made: ${status.ahead?.anew ?? rollOver}`
      return [{ id: 'ca-not-yet-valid', severity: 'error', subject: slot, found, fix }]
    }
    if (notAfter > now + 30 * DAY) return []
    const isOver = notAfter <= now
    const found = `${subject} ${isOver ? 'ended' : 'ends'} at ${timeText(notAfter)}`
    const fix = `${rollOver}; \`mtls status\` tells what a roll-over waits for`
    return [
      {
        id: isOver ? 'ca-expired' : 'ca-ends',
        severity: isOver ? 'error' : 'warning',
        subject: slot,
        found,
        fix,
      },
    ]
  })
}
