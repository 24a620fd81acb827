import { constants } from 'node:crypto'
import type { SecureContextOptions } from 'node:tls'

/** X25519MLKEM768 first: what is recorded today stays closed to the quantum computers of tomorrow. */
export const tlsGroups = 'X25519MLKEM768:X25519:P-256:P-384'

export const tls13Suites = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256'

/** Only what TLS 1.3 has, for whoever gives no tickets: every connection is a handshake, and is judged by its certificate. */
export const strictTls: SecureContextOptions = {
  minVersion: 'TLSv1.3',
  ciphers: tls13Suites,
  ecdhCurve: tlsGroups,
  honorCipherOrder: true,
  secureOptions:
    constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_NO_TICKET,
}
