import type { InstanceStatus, Status } from '@datapunk/authority'
import { countText } from '../text/action-text.ts'
import { backupText, isBackupCurrent } from '../text/backup-text.ts'
import type { Output } from '../text/output.ts'
import { protectionText } from '../text/protection-text.ts'
import { askText, takeAwayText } from '../text/root-key-text.ts'
import { spanText, timeText } from '../text/time-text.ts'
import { waitText } from '../text/wait-text.ts'
import { faultNote, faultsOfInstance, hasFailed, NOT_VALID_YET } from './status-faults.ts'
import type { StatusLook } from './status-look.ts'

const ENDS = {
  bundle: 'the bundle',
  certificate: 'the certificate of',
  list: 'the revocation list of',
} as const

/** For stdout. */
export function statusText({ status, now, config }: StatusLook, output: Output): string {
  const protection = protectionText(config, status.keysUnprotected)
  const paragraphs = [output.table(headRows(status, protection, output))]
  if (status.services.length > 0) {
    const head = ['SERVICE', 'CERTIFICATE', 'UNTIL', 'RENEWED FROM', 'STATE', 'ENFORCES', 'NAMES']
    const rows = status.services.map((one) => serviceRow(one, now, output))
    const services = output.table([head.map((word) => output.styled('quiet', word)), ...rows])
    paragraphs.push(`${services}${deliveryText(status.services)}\n`)
  }
  const urgent = [
    ...status.waits.map(waitText),
    ...status.asks.map(askText),
    ...status.takeAway.map((place) => takeAwayText(place, status.waits.length > 0)),
  ]
  for (const text of urgent) paragraphs.push(`${output.styled('warning', text)}\n`)
  if (status.outage !== undefined) {
    const { until, endedBy } = status.outage
    const span = output.styled('strong', spanText(Math.max(0, until - now)))
    const end = `${ENDS[endedBy.kind]} ${endedBy.subject}`
    paragraphs.push(`The authority may be down for ${span}: until ${timeText(until)}, when ${end} ends.\n`)
  }
  return paragraphs.join('\n')
}

/** What is wrong, and what mends it, a line each. */
export function faultLines({ status, faults, now }: StatusLook): string[] {
  const of = status.services.flatMap((one) => faultsOfInstance(one, now).map((fault) => ({ one, fault })))
  const notes = of.flatMap(({ one, fault }) =>
    hasFailed(fault) ? [`${one.instance}: ${faultNote(fault, one, status.ahead)}`] : [],
  )
  const found = new Set(of.flatMap(({ fault }) => (hasFailed(fault) ? [] : [fault])))
  // Where its issuer is of the future too, what is wrong with the mesh names what makes both anew.
  const mended =
    found.delete(NOT_VALID_YET) && status.ahead === undefined
      ? ['`mtls rotate SERVICE`, or `--all`, makes anew what is not valid yet']
      : []
  if (found.size > 0) mended.unshift('`mtls apply` mends what is late, missing or another')
  return [...faults, ...notes, ...mended]
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
  { wanted, mode, logs, elsewhere, failure, unread, reported }: Status['transparency'],
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
  if (unread !== undefined) return output.styled('bad', `${text}; ${unread}`)
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
