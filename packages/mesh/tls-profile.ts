import { constants } from 'node:crypto'
import type { SecureContextOptions } from 'node:tls'
import { tls13Suites, tlsGroups } from '@datapunk/protocol'
import type { Current } from './gate/current.ts'

type MinTls = '1.3' | '1.2'

/** Ephemeral keys and authenticated encryption only (RFC 9325 4.2). */
const tls12Suites = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':')

/** What mends that a caller and a server have no application protocol in common (RFC 7301). */
export const noProtocolFix =
  'name what it speaks in ALPNProtocols of the server; where `mtls proxy` stands before a program that speaks HTTP, `--to http://HOST:PORT` says so, and `--to h2c://HOST:PORT` that it speaks HTTP/2'

const byMinTls: Readonly<Record<MinTls, SecureContextOptions>> = {
  '1.3': {
    minVersion: 'TLSv1.3',
    ciphers: tls13Suites,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
  },
  // A ticket of TLS 1.2 carries the session's keys, under a key that lives as long as the process: none are given.
  '1.2': {
    minVersion: 'TLSv1.2',
    ciphers: `${tls13Suites}:${tls12Suites}`,
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_NO_TICKET,
  },
}

const common: SecureContextOptions = { ecdhCurve: tlsGroups, honorCipherOrder: true }

/** TLS 1.3 without a pair, and without anybody to trust. */
export const tls13: SecureContextOptions = { ...common, ...byMinTls['1.3'] }

/**
 * What a server's handshakes are made with. Ticket keys and session context are new each time: whoever knows a ticket
 * key is any client of the server, so none outlives the pair and the view it was made under, and none is ever given in.
 *
 * @param random gives that many random bytes
 */
export function serverContextOptions(
  current: Current,
  random: (size: number) => Buffer,
): SecureContextOptions {
  return {
    ...contextOptions(current, current.view.minTls),
    ticketKeys: random(48),
    sessionIdContext: random(16).toString('hex'),
  }
}

/** @param minTls what the server that is called may fall back to, by the bundle */
export function clientContextOptions(current: Current, minTls: MinTls): SecureContextOptions {
  return contextOptions(current, minTls)
}

function contextOptions({ identity, view }: Current, minTls: MinTls): SecureContextOptions {
  return {
    ...identity.credentials(),
    ca: view.authorities,
    ...common,
    ...byMinTls[minTls],
  }
}
