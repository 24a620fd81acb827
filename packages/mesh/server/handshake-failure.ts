import type { MeshView } from '../gate/view.ts'
import type { Refusal } from '../refusal.ts'
import { noProtocolFix } from '../tls-profile.ts'

/**
 * The record of a handshake that OpenSSL ended: no version, cipher, group or ALPN name in common, renegotiation, garbage.
 *
 * @param error as `tlsClientError` brings it
 * @returns undefined for a connection that was just closed, as port scans and health checks do
 */
export function handshakeFailure(
  error: unknown,
  view: MeshView,
  at: number,
  remote: string | undefined,
): Refusal | undefined {
  const { code, reason } = error as { code?: string; reason?: string }
  if (code === undefined || !code.startsWith('ERR_SSL_')) return undefined
  const needed = `TLS ${view.minTls === '1.3' ? '1.3' : '1.2 or 1.3'}`
  return {
    at,
    code: 'CALLER_REFUSED',
    rule: 'TLS_HANDSHAKE_FAILED',
    direction: 'in',
    self: view.selfName,
    peer: {
      service: undefined,
      spiffeId: undefined,
      subject: undefined,
      serial: undefined,
      fingerprint: undefined,
    },
    remote,
    openssl: code,
    message: `found a caller that can't complete a handshake (${reason ?? code}); allowed: ${needed} and the application protocols of this server`,
    fix:
      code === 'ERR_SSL_NO_APPLICATION_PROTOCOL'
        ? noProtocolFix
        : `let the caller speak ${needed}, or set services.${view.service}.min_tls`,
    why: undefined,
  }
}
