import { type InstanceStatus, Observation, type Status } from '@datapunk/authority'
import type { CommandSpec } from '../command-spec.ts'
import { loadConfig } from '../context.ts'
import { exitCode } from '../exit-code.ts'
import type { Output } from '../output.ts'
import { protectionText } from '../protection-text.ts'
import { table } from '../table.ts'
import { spanText, timeOrNull, timeText } from '../time-text.ts'

export const statusCommand: CommandSpec = {
  name: 'status',
  summary: 'the mesh at a glance: CAs, certificates, how long it goes on by itself',
  description:
    'Shows the CAs, every certificate and until when it is valid, and how long the mesh goes on if the authority does nothing from now on. Exits with 1 when something is expired, late, missing or not the pair recorded last.',
  json: '{ trustDomain, meshId, environment, bundle, bundleExpiresAt, keysUnprotected, cas: [{ slot, kind, state, subject, serial, notAfter }], services: [{ service, instance, place, names, serial, notBefore, notAfter, renewalDue, pair, faults }], outageBudgetSeconds, faults }',
  examples: ['mtls status', 'mtls status --json | jq .outageBudgetSeconds'],
  run(context) {
    const { output, json, world } = context
    const now = world.clock()
    const config = loadConfig(context)
    const observation = new Observation({ config, clock: world.clock })
    try {
      const status = observation.status()
      const faults = faultsOf(status, now)
      if (json) output.printJson(documentOf(status, faults, now))
      else show(output, { status, faults, now, protection: protectionText(config, status.keysUnprotected) })
      const late = status.services.some((one) => faultsOfInstance(one, now).length > 0)
      return faults.length > 0 || late ? exitCode.bad : exitCode.done
    } finally {
      observation.close()
    }
  },
}

/** What is wrong with the mesh as a whole. */
function faultsOf(status: Status, now: number): string[] {
  const faults: string[] = []
  if (status.meshId === undefined) faults.push('there is no mesh yet: `mtls apply` makes it')
  if (status.bundleExpiresAt !== undefined && status.bundleExpiresAt <= now)
    faults.push('the bundle has expired: `mtls apply` signs a new one')
  for (const { subject, notAfter, state } of status.cas) {
    if (state === 'active' && notAfter <= now) faults.push(`${subject} has expired`)
  }
  return faults
}

/** What is wrong with one instance's certificate; each is mended by `mtls apply`. */
function faultsOfInstance({ serial, notAfter, renewalDue, pair }: InstanceStatus, now: number): string[] {
  if (serial === undefined) return ['no certificate']
  const faults: string[] = []
  if (notAfter !== undefined && notAfter <= now) faults.push('expired')
  else if (renewalDue !== undefined && renewalDue <= now) faults.push('late')
  if (pair === 'missing') faults.push('pair missing')
  if (pair === 'other') faults.push('another pair on disk')
  return faults
}

interface Shown {
  readonly status: Status
  readonly faults: readonly string[]
  readonly now: number
  readonly protection: string
}

function show(output: Output, { status, faults, now, protection }: Shown): void {
  output.print(table(headRows(status, protection, output)))
  if (status.services.length > 0) {
    const head = ['SERVICE', 'CERTIFICATE', 'UNTIL', 'RENEWED FROM', 'STATE', 'NAMES']
    const rows = status.services.map((one) => serviceRow(one, now, output))
    output.print(`\n${table([head.map((word) => output.styled('quiet', word)), ...rows])}`)
  }
  if (status.outageBudget !== undefined) {
    const ends = status.services.flatMap(({ notAfter }) => notAfter ?? [])
    const until = timeText(ends.reduce((first, end) => Math.min(first, end)))
    const span = output.styled('strong', spanText(status.outageBudget))
    output.print(
      `\nThe authority may be down for ${span}: until ${until}, when the first certificate ends.\n`,
    )
  }
  for (const fault of faults) output.tell(output.toldStyled('bad', fault))
  if (status.services.some((one) => faultsOfInstance(one, now).length > 0))
    output.tell(output.toldStyled('bad', '`mtls apply` mends what is late, missing or another'))
}

function headRows(status: Status, protection: string, output: Output): string[][] {
  const { trustDomain, meshId, environment, bundle, bundleExpiresAt, cas, keysUnprotected } = status
  const place = environment === undefined ? '' : `, environment ${environment}`
  const rows = [['mesh', `${output.styled('strong', trustDomain)}${meshId ? ` (${meshId})` : ''}${place}`]]
  if (bundle !== undefined && bundleExpiresAt !== undefined)
    rows.push(['bundle', `${bundle}, until ${timeText(bundleExpiresAt)}`])
  for (const { kind, state, subject, notAfter } of cas) {
    const note = state === 'active' ? '' : output.styled('quiet', ` (${state})`)
    rows.push([kind.replaceAll('-', ' '), `${subject}, until ${timeText(notAfter)}${note}`])
  }
  if (meshId !== undefined)
    rows.push(['CA keys', keysUnprotected ? output.styled('warning', protection) : protection])
  return rows
}

function serviceRow(one: InstanceStatus, now: number, output: Output): string[] {
  const faults = faultsOfInstance(one, now)
  const state = faults.length > 0 ? output.styled('bad', faults.join(', ')) : output.styled('good', 'current')
  return [
    output.styled('strong', one.instance),
    one.serial?.slice(0, 16) ?? '',
    one.notAfter === undefined ? '' : timeText(one.notAfter),
    one.renewalDue === undefined ? '' : timeText(one.renewalDue),
    one.place === 'elsewhere' && faults.length === 0 ? 'key elsewhere' : state,
    one.names.join(', '),
  ]
}

function documentOf(status: Status, faults: readonly string[], now: number): Record<string, unknown> {
  const { bundleExpiresAt, cas, services, outageBudget, meshId = null, environment = null } = status
  return {
    trustDomain: status.trustDomain,
    meshId,
    environment,
    bundle: status.bundle ?? null,
    bundleExpiresAt: timeOrNull(bundleExpiresAt),
    keysUnprotected: status.keysUnprotected,
    cas: cas.map((ca) => ({ ...ca, notAfter: timeText(ca.notAfter) })),
    services: services.map((one) => ({
      ...one,
      serial: one.serial ?? null,
      notBefore: timeOrNull(one.notBefore),
      notAfter: timeOrNull(one.notAfter),
      renewalDue: timeOrNull(one.renewalDue),
      faults: faultsOfInstance(one, now),
    })),
    outageBudgetSeconds: outageBudget === undefined ? null : Math.floor(outageBudget / 1000),
    faults,
  }
}
