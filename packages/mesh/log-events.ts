import { formatDocumentNumber } from '@datapunk/protocol'
import type { Mesh } from './mesh.ts'
import type { MeshEvents } from './mesh-events.ts'
import type { ClaimedPeer, Refusal } from './refusal.ts'

/** What is asked of a logger; a `Logger` of pino is one. */
export interface EventLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

type Level = keyof EventLogger

interface Line {
  readonly level: Level
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

type Lines = { readonly [Name in keyof MeshEvents]?: (event: MeshEvents[Name][0]) => Line }

/** What is logged of each event: chosen field by field, so that nothing comes along that an event may carry one day. */
const lines: Lines = {
  refused: (refusal) => line('warn', refusalFields(refusal), `${refusal.message}: ${refusal.fix}`),
  reported: (refusal) => line('warn', refusalFields(refusal), `${refusal.message}: ${refusal.fix}`),
  cut: ({ direction, peer: { service, spiffeId, serial }, remote, error }) =>
    line(
      'warn',
      { direction, remote, rule: error.data.rule, peer: { service, spiffeId, serial } },
      error.message,
    ),
  rotated: ({ from, to, notAfter }) =>
    line('info', { from, to, until: timeText(notAfter) }, 'new handshakes use a new pair'),
  updated: ({ bundle, trustStatement }) =>
    line(
      'info',
      { bundle: formatDocumentNumber(bundle), trustStatement: formatDocumentNumber(trustStatement) },
      'a new bundle, trust statement or config file holds',
    ),
  revoked: ({ serial, bundle }) =>
    line(
      'error',
      { serial, bundle: formatDocumentNumber(bundle) },
      'the certificate of this service was revoked: nobody is served and nobody called until it has another one',
    ),
  alarm: ({ kind, origin, serial, message }) => line('error', { kind, origin, serial }, message),
  stale: ({ bundle, expiresAt, expired }) =>
    line(
      expired ? 'error' : 'warn',
      { bundle: formatDocumentNumber(bundle), until: timeText(expiresAt) },
      expired
        ? 'the bundle has ended: nobody is served any more; start the authority (`mtls up`)'
        : 'no new bundle has come for half the life of this one; start the authority (`mtls up`)',
    ),
  problem: ({ code, data: { rule }, message }) => line('warn', { code, rule }, message),
}

/**
 * Logs what happens to a service in the mesh, one line an event: `{ event: 'refused', service: 'lake', rule: 'REVOKED', … }`.
 * Connections that passed are not logged, they are counted.
 *
 * @param logger pino's, or any other that takes fields and a message
 * @returns ends it
 */
export function logEvents(mesh: Mesh, logger: EventLogger): () => void {
  const { service } = mesh.self
  const stops = (Object.keys(lines) as (keyof Lines)[]).map((event) => {
    const lineOf = lines[event] as (detail: unknown) => Line
    const log = (detail: unknown) => {
      const { level, fields, message } = lineOf(detail)
      logger[level]({ event, service, ...fields }, message)
    }
    mesh.on(event, log)
    return () => void mesh.off(event, log)
  })
  return () => {
    for (const stop of stops) stop()
  }
}

function line(level: Level, fields: Line['fields'], message: string): Line {
  return { level, fields, message }
}

function refusalFields({ rule, direction, remote, openssl, peer }: Refusal): Line['fields'] {
  return { rule, direction, remote, openssl, peer: peerFields(peer) }
}

function peerFields({ service, spiffeId, subject, serial, fingerprint }: ClaimedPeer): ClaimedPeer {
  return { service, spiffeId, subject, serial, fingerprint }
}

function timeText(at: number): string {
  return new Date(at).toISOString()
}
