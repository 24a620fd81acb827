import { addressText } from '@datapunk/protocol'
import { MeshError } from '../error.ts'
import type { Current } from '../gate/current.ts'
import { ownFaults } from '../gate/own-rules.ts'
import type { Target } from '../gate/resolve.ts'
import { whyCommand, withWhy } from '../gate/why-command.ts'
import { type Refusal, type Refused, refusalData } from '../refusal.ts'
import { noProtocolFix } from '../tls-profile.ts'

/** TLS alerts by which a peer says that it won't have this certificate (RFC 8446 6.2). */
const certificateAlert =
  /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED)$/

/** Who calls: what the call was begun with, and what is wrong with this service itself by now. */
export interface Calling extends Current {
  readonly fault: () => Refused | undefined
}

export function isCertificateAlert(error: unknown): boolean {
  return alertIn(error) !== undefined
}

/** As in `unknown ca`. */
function alertIn(error: unknown): string | undefined {
  const { code = '' } = (error ?? {}) as { code?: string }
  return certificateAlert.exec(code)?.[1]?.toLowerCase().replaceAll('_', ' ')
}

/**
 * Why a call got no connection, with what to look at.
 *
 * @param connected whether TCP was, so that something of TLS was said
 */
export function explainFailure(error: Error, target: Target, calling: Calling, connected: boolean): Error {
  const { code } = error as NodeJS.ErrnoException
  if (typeof code !== 'string') return error
  if (isCertificateAlert(error)) return peerRefused(target, calling, error)
  if (code.startsWith('ERR_SSL_')) return handshakeFailed(target, error)
  if (code === 'ECONNRESET' && connected) {
    // In TLS 1.2 the server has judged before the client is done.
    return target.member.minTls === '1.2'
      ? peerRefused(target, calling, error)
      : handshakeFailed(target, error)
  }
  return code.startsWith('E') && !code.startsWith('ERR_') ? unreachable(target, error, code) : error
}

/** Our gate's refusal of a server, as the caller gets it; or of any, for what is wrong with this service itself. */
export function serverRefused(refusal: Refusal): MeshError {
  const what = ownFaults.has(refusal.rule) ? 'nothing was sent' : 'the server was refused'
  return new MeshError('SERVER_REFUSED', `${what}: ${refusal.message}: ${refusal.fix}`, {
    refusal,
    data: refusalData(refusal),
  })
}

/** The server's refusal of this service, as far as it can be told from here. */
export function peerRefused(target: Target, calling: Calling, cause?: unknown): MeshError {
  const { identity, view, fault } = calling
  const { service } = target.member
  const { serial } = identity.leaf
  const why = whyCommand(view.service, service)
  const own = fault()
  const alert = alertIn(cause)
  const how = alert === undefined ? 'closed the connection' : `sent the alert “${alert}”`
  const reason = own ? `${own.message}: ${own.fix}` : refusalReason(service, calling, alert)
  return new MeshError(
    'PEER_REFUSED',
    `${service} (${placeOf(target)}) ${how} right after the handshake: ${withWhy(reason, why)}`,
    { cause, data: { ...dataOf(target), self: view.service, serial, why, ...(own && { rule: own.rule }) } },
  )
}

/** Our own gate refuses without a word: who sends an alert is another server, and goes by files. */
function refusalReason(
  service: string,
  { identity, view }: Pick<Calling, 'identity' | 'view'>,
  alert: string | undefined,
): string {
  const refused = `the certificate ${identity.leaf.serial} of ${view.service}`
  return alert === undefined
    ? `found, most likely, that it refuses ${refused}; allowed: what services.${service}.allow and the bundle of ${service} say: see the "refused" record of ${service}`
    : `found that it refuses ${refused}; allowed: what its own configuration and the newest paths.ca_cert and paths.crl say: see what it logs, and whether it has read them anew`
}

export function tooSlow(target: Target, timeout: number): MeshError {
  return new MeshError(
    'CONNECT_TIMEOUT',
    `found no finished handshake with ${target.member.service} (${placeOf(target)}) after ${timeout} ms; allowed: that long: see whether it runs and is reachable there`,
    { data: { ...dataOf(target), timeout } },
  )
}

function handshakeFailed(target: Target, cause: NodeJS.ErrnoException): MeshError {
  const fix = cause.code?.endsWith('_NO_APPLICATION_PROTOCOL') ? noProtocolFix : 'see what listens there'
  return new MeshError(
    'HANDSHAKE_FAILED',
    `found no common ground with ${target.member.service} (${placeOf(target)}): ${cause.message.trim()}; allowed: TLS ${target.member.minTls} and later with a member of the mesh: ${fix}`,
    { cause, data: dataOf(target) },
  )
}

function unreachable(target: Target, cause: Error, reason: string): MeshError {
  const { service } = target.member
  return new MeshError(
    'PEER_UNREACHABLE',
    `found nobody at ${placeOf(target)} (${reason}); allowed: ${service}, by services.${service}.address or DNS: see whether it runs there`,
    { cause, data: { ...dataOf(target), reason } },
  )
}

function placeOf({ host, port }: Target): string {
  return addressText(host, port)
}

function dataOf({ member, host, port }: Target): Record<string, unknown> {
  return { service: member.service, host, port }
}
