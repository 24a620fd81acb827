import { connectAdmin, type InstanceStatus, Observation, type Status } from '@datapunk/authority'
import { type Config, layoutOf } from '@datapunk/protocol'
import { countText } from '../action-text.ts'
import { backupText, isBackupCurrent } from '../backup-text.ts'
import type { CommandSpec } from '../command-spec.ts'
import { loadConfig } from '../context.ts'
import { exitCode } from '../exit-code.ts'
import type { Output } from '../output.ts'
import { protectionText } from '../protection-text.ts'
import { askDocument, askText, takeAwayText } from '../root-key-text.ts'
import { table } from '../table.ts'
import { spanText, timeOrNull, timeText } from '../time-text.ts'
import { waitDocument, waitText } from '../wait-text.ts'
import type { World } from '../world.ts'

export const statusCommand: CommandSpec = {
  name: 'status',
  summary: 'the mesh at a glance: CAs, certificates, how long it goes on by itself',
  description:
    'Shows the CAs, every certificate and until when it is valid, what each service enforces, whom a roll-over waits for, which root keys it asks for, and how long the mesh goes on if the authority does nothing from now on. Exits with 1 when something is expired, late, missing or not the pair recorded last.',
  json: '{ trustDomain, meshId, environment, bundle, bundleExpiresAt, keysUnprotected, backedUpAt, keysSinceBackup, cas: [{ slot, kind, state, subject, serial, notAfter }], services: [{ service, instance, place, names, serial, notBefore, notAfter, renewalDue, pair, barred, held, failed, delivery, live, enforced, faults }], served, waits: [{ stage, slot, late, until }], asks: [{ step: { kind, slotKind, reason }, keys: [{ slot, path }], until }], takeAway: [{ slot, path }], transparency: { wanted, mode, logs: [{ slot, state, origin }], elsewhere, failure, reported }, pinning: { wanted, mode, suspendedUntil, reported }, outage: { until, endedBy }, outageBudgetSeconds, faults }',
  examples: ['mtls status', 'mtls status --json | jq .outageBudgetSeconds'],
  async run(context) {
    const { output, json, world } = context
    const config = loadConfig(context)
    const status = await ask(config, world)
    const now = world.clock()
    const faults = faultsOf(status, now)
    if (json) output.printJson(documentOf(status, faults, now))
    else show(output, { status, faults, now, protection: protectionText(config, status.keysUnprotected) })
    const late = status.services.some((one) => faultsOfInstance(one, now).length > 0)
    return faults.length > 0 || late ? exitCode.bad : exitCode.done
  },
}

/** The running authority knows who is live; where none runs, what lies on disk has to do. */
async function ask(config: Config, { clock, uid }: World): Promise<Status> {
  const asker = { purpose: 'status', uid }
  const running = await connectAdmin(layoutOf(config).authority.adminSocket, asker)
  if (running !== undefined) return running.status()
  const observation = new Observation({ config, clock })
  try {
    return observation.status()
  } finally {
    observation.close()
  }
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
function faultsOfInstance(
  { serial, notAfter, renewalDue, pair, held, barred }: InstanceStatus,
  now: number,
): string[] {
  if (barred) return []
  if (serial === undefined) return ['no certificate']
  const faults: string[] = []
  if (notAfter !== undefined && notAfter <= now) faults.push('expired')
  else if (renewalDue !== undefined && renewalDue <= now && !held) faults.push('late')
  if (pair === 'missing') faults.push('pair missing')
  if (pair === 'other') faults.push('another pair on disk')
  return faults
}

const ENDS = {
  bundle: 'the bundle',
  certificate: 'the certificate of',
  list: 'the revocation list of',
} as const

interface Shown {
  readonly status: Status
  readonly faults: readonly string[]
  readonly now: number
  readonly protection: string
}

function show(output: Output, { status, faults, now, protection }: Shown): void {
  output.print(table(headRows(status, protection, output)))
  if (status.services.length > 0) {
    const head = ['SERVICE', 'CERTIFICATE', 'UNTIL', 'RENEWED FROM', 'STATE', 'ENFORCES', 'NAMES']
    const rows = status.services.map((one) => serviceRow(one, now, output))
    output.print(`\n${table([head.map((word) => output.styled('quiet', word)), ...rows])}`)
    output.print(`${deliveryText(status.services)}\n`)
  }
  for (const wait of status.waits) output.print(`\n${output.styled('warning', waitText(wait))}\n`)
  for (const ask of status.asks) output.print(`\n${output.styled('warning', askText(ask))}\n`)
  for (const place of status.takeAway) {
    const text = takeAwayText(place, status.waits.length > 0)
    output.print(`\n${output.styled('warning', text)}\n`)
  }
  if (status.outage !== undefined) {
    const { until, endedBy } = status.outage
    const span = output.styled('strong', spanText(Math.max(0, until - now)))
    const end = `${ENDS[endedBy.kind]} ${endedBy.subject}`
    output.print(`\nThe authority may be down for ${span}: until ${timeText(until)}, when ${end} ends.\n`)
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
    rows.push(
      ['CA keys', keysUnprotected ? output.styled('warning', protection) : protection],
      ['backup', isBackupCurrent(status) ? backupText(status) : output.styled('warning', backupText(status))],
    )
  if (meshId !== undefined) {
    rows.push(['log', logText(status.transparency, output)])
    rows.push(['pinning', pinningText(status.pinning, output)])
  }
  return rows
}

function logText(
  { wanted, mode, logs, elsewhere, failure, reported }: Status['transparency'],
  output: Output,
): string {
  const active = logs.find(({ state }) => state === 'active')
  const others = logs.length - (active === undefined ? 0 : 1)
  const told = [
    ...(elsewhere === undefined ? [] : ['run by itself']),
    ...(others === 0 ? [] : [`${countText(others, 'other')} believed`]),
    ...(reported === 0 ? [] : [`${countText(reported, 'connection')} reported`]),
  ]
  const text = [`${active?.origin ?? 'none'}, ${mode}`, ...told].join(', ')
  if (failure !== undefined) return output.styled('bad', `${text}; it can’t be had: ${failure}`)
  return wanted === mode ? text : output.styled('warning', `${text}; ${wanted} once everyone is ready for it`)
}

function pinningText({ wanted, mode, suspendedUntil, reported }: Status['pinning'], output: Output): string {
  const told = reported === 0 ? '' : `, ${countText(reported, 'connection')} reported`
  if (suspendedUntil !== undefined) {
    const text = `suspended until ${timeText(suspendedUntil)}${told}: \`mtls pins --resume\` ends that`
    return output.styled('warning', text)
  }
  if (wanted === mode) return `${mode}${told}`
  return output.styled('warning', `${mode}${told}; the config says ${wanted}`)
}

function serviceRow(one: InstanceStatus, now: number, output: Output): string[] {
  const faults = faultsOfInstance(one, now)
  const good = one.barred
    ? output.styled('warning', 'barred')
    : one.held
      ? output.styled('warning', 'held')
      : output.styled('good', 'current')
  const state = faults.length > 0 ? output.styled('bad', faults.join(', ')) : good
  return [
    output.styled('strong', one.instance),
    one.serial?.slice(0, 16) ?? '',
    one.notAfter === undefined ? '' : timeText(one.notAfter),
    one.renewalDue === undefined ? '' : timeText(one.renewalDue),
    one.place === 'elsewhere' && faults.length === 0 && !one.barred ? 'key elsewhere' : state,
    enforcement(one, output),
    one.names.join(', '),
  ]
}

/** Apart, because one is a signed word and the other is not. */
function deliveryText(services: readonly InstanceStatus[]): string {
  const count = (delivery: InstanceStatus['delivery']) =>
    services.filter((one) => one.delivery === delivery).length
  return `${count('proven')} proven, ${count('by-file')} by file, ${count('unheard')} unheard`
}

/** What its processes say they enforce; or that it reads files, and was told; or that nobody has heard of it. */
function enforcement({ enforced, live, delivery }: InstanceStatus, output: Output): string {
  if (enforced !== undefined) return live > 1 ? `${enforced} (${live} processes)` : enforced
  if (live > 0) return output.styled('warning', 'not yet')
  if (delivery === 'by-file') return 'by file'
  return output.styled('quiet', delivery === 'proven' ? 'not live' : 'unheard')
}

function documentOf(status: Status, faults: readonly string[], now: number): Record<string, unknown> {
  const { bundleExpiresAt, cas, services, outage, meshId = null, environment = null } = status
  return {
    trustDomain: status.trustDomain,
    meshId,
    environment,
    bundle: status.bundle ?? null,
    bundleExpiresAt: timeOrNull(bundleExpiresAt),
    keysUnprotected: status.keysUnprotected,
    backedUpAt: timeOrNull(status.backedUpAt),
    keysSinceBackup: status.keysSinceBackup,
    cas: cas.map((ca) => ({ ...ca, notAfter: timeText(ca.notAfter) })),
    services: services.map((one) => ({
      ...one,
      serial: one.serial ?? null,
      notBefore: timeOrNull(one.notBefore),
      notAfter: timeOrNull(one.notAfter),
      renewalDue: timeOrNull(one.renewalDue),
      failed: one.failed ? { ...one.failed, nextTryAt: timeText(one.failed.nextTryAt) } : null,
      enforced: one.enforced ?? null,
      faults: faultsOfInstance(one, now),
    })),
    served: status.served,
    waits: status.waits.map(waitDocument),
    asks: status.asks.map(askDocument),
    takeAway: status.takeAway,
    transparency: {
      ...status.transparency,
      elsewhere: status.transparency.elsewhere ?? null,
      failure: status.transparency.failure ?? null,
    },
    pinning: { ...status.pinning, suspendedUntil: timeOrNull(status.pinning.suspendedUntil) },
    outage: outage === undefined ? null : { until: timeText(outage.until), endedBy: outage.endedBy },
    outageBudgetSeconds: outage === undefined ? null : Math.max(0, Math.floor((outage.until - now) / 1000)),
    faults,
  }
}
