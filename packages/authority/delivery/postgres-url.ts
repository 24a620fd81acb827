import { userInfo } from 'node:os'
import type { TlsFiles } from './reload-options.ts'

/** What a `postgres:` URL says, by libpq's names; https://www.postgresql.org/docs/current/libpq-connect.html */
export interface PostgresTarget {
  /** A name, an address, or the folder of a socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string | undefined
  readonly database: string
  /** What TLS is spoken with; absent on a socket and with `sslmode=disable`. */
  readonly tls: TlsFiles | undefined
}

const PARAMETERS = ['host', 'port', 'user', 'dbname', 'sslmode', 'sslcert', 'sslkey', 'sslrootcert']

/**
 * Over the network TLS is spoken and the server verified, unless the URL says `sslmode=disable`; with `files`, unless it
 * names others.
 *
 * @throws TypeError with what is allowed, and nothing of the password
 */
export function parsePostgresUrl(text: string, files: TlsFiles): PostgresTarget {
  // Where a user but no host is given, as on sockets, libpq reads what the standard for URLs refuses.
  const url = URL.parse(text.replace('@/', '@localhost/'))
  if (url === null) throw new TypeError('no URL as in postgres://USER@HOST:5432/DATABASE')
  const parameters = url.searchParams
  const unknown = [...parameters.keys()].find((name) => !PARAMETERS.includes(name))
  if (unknown !== undefined) {
    throw new TypeError(`the unknown parameter ${unknown}; allowed: ${PARAMETERS.join(', ')}`)
  }
  const host =
    (parameters.get('host') ?? decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1')) || 'localhost'
  return {
    host,
    port: portOf(parameters.get('port') ?? url.port),
    user: (parameters.get('user') ?? decodeURIComponent(url.username)) || userInfo().username,
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
    database: (parameters.get('dbname') ?? decodeURIComponent(url.pathname.slice(1))) || 'postgres',
    tls: isSocket(host) || !isSecure(parameters) ? undefined : tlsFiles(parameters, files),
  }
}

export function isSocket(host: string): boolean {
  return host.startsWith('/')
}

function portOf(text: string): number {
  if (text === '') return 5432
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text)
  throw new TypeError(`the port ${text}; allowed: 1 to 65535`)
}

/** Every other mode would accept a server that is not who it says it is. */
function isSecure(parameters: URLSearchParams): boolean {
  const mode = parameters.get('sslmode') ?? 'verify-full'
  if (mode !== 'verify-full' && mode !== 'disable') {
    throw new TypeError(`sslmode=${mode}; allowed: verify-full, or disable`)
  }
  return mode === 'verify-full'
}

function tlsFiles(parameters: URLSearchParams, files: TlsFiles): TlsFiles {
  return {
    cert: parameters.get('sslcert') ?? files.cert,
    key: parameters.get('sslkey') ?? files.key,
    caCert: parameters.get('sslrootcert') ?? files.caCert,
  }
}
