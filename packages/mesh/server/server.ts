import type { ServerOptions as HttpServerOptions, RequestListener } from 'node:http'
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type SecureServerOptions,
} from 'node:http2'
import { createServer, type Server } from 'node:https'
import type { SecureContextOptions, TlsOptions } from 'node:tls'

/** What the mesh sets, and nobody else: each of these would weaken the handshake or have no effect. */
const reserved = [
  'ca',
  'cert',
  'ciphers',
  'crl',
  'dhparam',
  'ecdhCurve',
  'key',
  'maxVersion',
  'minVersion',
  'passphrase',
  'pfx',
  'pskCallback',
  'rejectUnauthorized',
  'requestCert',
  'secureContext',
  'secureOptions',
  'secureProtocol',
  'sessionIdContext',
  'sigalgs',
  'SNICallback',
  'ticketKeys',
] as const

type Reserved = keyof SecureContextOptions | (typeof reserved)[number]

/** As for node:https, without what the mesh sets. */
export type ServerOptions = HttpServerOptions &
  Omit<TlsOptions, Reserved> & { readonly http2?: false | undefined }

/** As for node:http2, without what the mesh sets. */
export type Http2ServerOptions = Omit<SecureServerOptions, Reserved> & { readonly http2: true }

/** Milliseconds that whoever says nothing, or little, may take: Node’s own two minutes let strangers use up the files of a process. */
export const HANDSHAKE_TIMEOUT = 10_000

export function newHttpsServer({ http2: _, ...options }: ServerOptions, handler?: RequestListener): Server {
  refuseReserved(options)
  return createServer({ handshakeTimeout: HANDSHAKE_TIMEOUT, ...options }, handler)
}

/** HTTP/1.1 is spoken too, with clients that know nothing else, unless `allowHTTP1: false` is given. */
export function newHttp2Server(
  { http2: _, ...options }: Http2ServerOptions,
  handler?: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): Http2SecureServer {
  refuseReserved(options)
  return createSecureServer({ allowHTTP1: true, handshakeTimeout: HANDSHAKE_TIMEOUT, ...options }, handler)
}

function refuseReserved(options: object): void {
  const found = reserved.filter((name) => Object.hasOwn(options, name))
  if (found.length === 0) return
  throw new TypeError(
    `createServer: found ${found.join(', ')}; allowed: every option of node's but those of certificates and TLS, which are the mesh's`,
  )
}
