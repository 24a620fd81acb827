import { isDnsName, type KeyAlgorithm } from '@datapunk/pki'
import { z } from 'zod'
import { PROBE } from '../probe-identity.ts'
import { SERVICE_NAME } from '../service-identity.ts'
import { isCountryCode } from './country.ts'
import { duration } from './duration.ts'
import { filePath } from './file-path.ts'
import { isIpAddress } from './ip-address.ts'
import { reloadText } from './reload.ts'

/**
 * The config file as it is written: the one source of the types, the checks, the JSON Schema (`mtls schema`) and the
 * reference page. The custom error of each value says what is allowed; `parse.ts` says what was found, and where.
 */

const RESERVED_SERVICE_NAMES = new Set(['authority', 'log', PROBE, 'operator'])

/** An environment's state is a folder of its name beside these (`layout.ts`). */
const RESERVED_ENVIRONMENT_NAMES = new Set(['authority', 'instances', 'log', 'mesh'])

const KEY_ALGORITHMS = [
  'rsa',
  'ecdsa-p256',
  'ecdsa-p384',
  'ed25519',
  'ml-dsa-65',
] as const satisfies KeyAlgorithm[]
const CA_ALGORITHMS = [
  'ecdsa-p256',
  'ecdsa-p384',
  'ed25519',
  'rsa',
  'ml-dsa-65',
] as const satisfies KeyAlgorithm[]

/** Bits of an RSA key. */
const KEY_SIZES = [2048, 3072, 4096] as const

/** Of a private key's file. */
const FILE_MODES = ['600', '640', '400', '440']

const wholeNumber = (what: string, least: number, most: number) => {
  const error = `${what} from ${least} to ${most}`
  return z.int({ error }).min(least, { error }).max(most, { error })
}

const count = (least: number, most: number) => wholeNumber('a whole number', least, most)
const days = (most: number) => wholeNumber('a whole number of days', 1, most)
const years = (most: number) => wholeNumber('a whole number of years', 1, most)

const fractionOfLife = (least: number, most: number) => {
  const error = `a fraction of the certificate’s life from ${least} to ${most}`
  return z.number({ error }).min(least, { error }).max(most, { error })
}

const text = (error: string, allowed: (value: string) => boolean) =>
  z.string({ error }).refine(allowed, { error })

const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `one of ${values.join(', ')}` })

const dnsName = text('a DNS name of letters, digits, hyphens and dots, without wildcards', (value) =>
  isDnsName(value),
)

const trustDomain = text(
  'a DNS name in lower case',
  (value) => isDnsName(value) && value === value.toLowerCase(),
)

const subjectText = (error: string) =>
  text(
    error,
    (value) => value.trim() === value && value.length >= 1 && value.length <= 64 && isPrintable(value),
  )

const fileModeError = `${either(FILE_MODES.map((mode) => `0${mode}`))}: a private key is never for others`
const fileMode = z
  .union([z.int().min(0, { error: fileModeError }).max(777, { error: fileModeError }), z.string()], {
    error: fileModeError,
  })
  .transform((value) => modeDigits(value))
  .refine((value) => FILE_MODES.includes(value), { error: fileModeError })

const renewAt = fractionOfLife(0.1, 0.9)

const port = (value: string) => /^[0-9]{1,5}$/.test(value) && Number(value) <= 65_535

/** `host`, `host:port`, `[v6]`, `[v6]:port`. */
const HOST_AND_PORT = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+))(?::([0-9]{1,5}))?$/

const address = text('HOST or HOST:PORT, as in 10.0.0.5:8445 or [fd00::5]:8445', (value) => {
  const match = HOST_AND_PORT.exec(value)
  if (match === null || (match[3] !== undefined && !port(match[3]))) return false
  const host = match[1] ?? match[2] ?? ''
  return isIpAddress(host) || (match[1] === undefined && isDnsName(host))
})

const ca = (defaultYears: number) =>
  z.strictObject({
    algorithm: oneOf(CA_ALGORITHMS)
      .default('ecdsa-p256')
      .describe('The key of this CA; RSA has 3072 bits here.'),
    years: years(30).default(defaultYears).describe('How long its certificate is valid.'),
  })

const offline = z
  .boolean({ error: 'true or false' })
  .default(false)
  .describe(
    'Its key may be taken away from this machine: whatever needs it waits, and `mtls status` asks for it, and says by when.',
  )

const constrainUris = z
  .boolean({ error: 'true or false' })
  .default(true)
  .describe(
    'Its certificate says that it signs for URIs of the mesh alone, besides names and addresses. `false` for services in Rust (rustls) and Python’s `cryptography`, which refuse every chain that says so; a stolen issuing key may then sign SPIFFE IDs of other trust domains too, for whoever believes this root in them. A change makes another issuing CA first.',
  )

const service = z.strictObject({
  cert: filePath.optional().describe('Certificate file (PEM, leaf first). Default: `certs/SERVICE.crt`.'),
  key: filePath.optional().describe('Key file (PEM, PKCS#8). Default: `certs/SERVICE.key`.'),
  common_name: dnsName
    .optional()
    .describe(
      'The name of the service: it becomes the SAN dNSName that peers check, and the subject CN for display. Default: `SERVICE.TRUST_DOMAIN`.',
    ),
  dns_names: z
    .array(dnsName, { error: 'a list of DNS names' })
    .max(100, { error: 'at most 100 names' })
    .default([])
    .describe('More names, inside the trust domain or `authority.extra_domains`.'),
  ip_addresses: z
    .array(text('an IPv4 or IPv6 address', isIpAddress), { error: 'a list of IP addresses' })
    .max(100, { error: 'at most 100 addresses' })
    .default([])
    .describe(
      'Addresses that callers may use instead of a name; some 650 IPv4 or 220 IPv6 in all, because the certificate of the issuing CA names each. A change makes another issuing CA first.',
    ),
  allow: z
    .union([z.literal('members'), z.array(z.string())], {
      error: '"members", or a list of services that may call this one',
    })
    .default('members')
    .describe('Who may call this service: `members`, or a list of services. An empty list lets nobody call.'),
  address: address
    .optional()
    .describe('Where callers find it, HOST or HOST:PORT; without it the name is looked up in DNS.'),
  listen: address
    .optional()
    .describe('Where the service itself listens, HOST:PORT; `mesh.self.listen` in the library.'),
  delivery: oneOf(['auto', 'mesh', 'files'])
    .default('auto')
    .describe(
      'How it gets its certificate and what the mesh says: `mesh` by the library or `mtls proxy`, which acknowledge; `files` for whatever reads files (PostgreSQL, nginx, Python). `auto`: `mesh` once it has acknowledged.',
    ),
  reload: reloadText
    .optional()
    .describe(
      'Told after any change of certificate, trusted roots or CRL: a command (`"systemctl reload nginx"`, or `{ command: […], timeout: 30s }`; no shell, but for `[sh, -c, "…"]`), `{ signal: HUP, pid_file: … }` or `{ signal: HUP, pid: … }`, `postgres://…` (pg_reload_conf), `redis://…`, `rediss://…` or `unix://…` (CONFIG SET).',
    ),
  owner: z
    .string({ error: 'a user name or number' })
    .min(1)
    .optional()
    .describe('Who owns the pair folder and its files.'),
  group: z
    .string({ error: 'a group name or number' })
    .min(1)
    .optional()
    .describe('A group that may read them; the key is 0640 then.'),
  mode: fileMode.optional().describe('Mode of the key file. Default: 0600, or 0640 with a `group`.'),
  validity_days: days(3650).optional().describe('Instead of `certificates.validity_days`, for this service.'),
  renew_at: renewAt.optional().describe('Instead of `rotation.renew_at`, for this service.'),
  ocsp_stapling: oneOf(['on', 'off', 'required'])
    .default('on')
    .describe(
      'Whether it staples an OCSP answer to its certificate. `required` says so in the certificate (RFC 7633): callers refuse it without.',
    ),
  min_tls: oneOf(['1.3', '1.2'])
    .default('1.3')
    .describe(
      '"1.2" lets this service speak TLS 1.2 (ECDHE with AEAD only, no tickets) to callers that know no better.',
    ),
})

const operator = z.strictObject({
  read_only: z
    .boolean({ error: 'true or false' })
    .default(false)
    .describe('Whether this operator may only look, and do nothing.'),
  validity_days: days(3650)
    .default(90)
    .describe('Life of the certificate that `mtls issue --operator` issues, in days.'),
})

const body = {
  trust_domain: trustDomain
    .optional()
    .describe(
      'The trust domain. Default: what follows the first label of the first `common_name`, or `service.internal`. Recorded at the first apply; another one is another mesh.',
    ),
  certificates: z
    .strictObject({
      validity_days: days(3650).default(365).describe('Life of a service certificate, in days.'),
      key_size: z
        .literal(KEY_SIZES, { error: `${either(KEY_SIZES)} bits` })
        .default(2048)
        .describe('Bits of an RSA key.'),
      key_algorithm: oneOf(KEY_ALGORITHMS).default('rsa').describe('The key of a service certificate.'),
      organization: subjectText('a name of 1 to 64 printable characters')
        .default('Datapunk')
        .describe('Subject O of every certificate; peers refuse another.'),
      country: text('an ISO 3166-1 country code of two capital letters, as in US', isCountryCode)
        .default('US')
        .describe('Subject C of every certificate; peers refuse another.'),
    })
    .prefault({})
    .describe('What is in every service certificate.'),
  paths: z
    .strictObject({
      ca_cert: filePath.default('certs/ca.crt').describe('Every root trusted now (PEM).'),
      ca_key: filePath.default('certs/ca.key').describe('The root’s key, encrypted.'),
      crl: filePath
        .optional()
        .describe(
          'The revocation list of every CA (PEM), for nginx, HAProxy, PostgreSQL and whoever else reads files. Default: `ca.crl` beside `ca_cert`.',
        ),
    })
    .prefault({})
    .describe('Where the root lies.'),
  services: z
    .record(
      text(
        `a service name of a-z, 0-9 and hyphens, at most 63, and none of ${[...RESERVED_SERVICE_NAMES].join(', ')}`,
        (name) => SERVICE_NAME.test(name) && !RESERVED_SERVICE_NAMES.has(name),
      ),
      service.nullable().transform((value) => value ?? service.parse({})),
      { error: 'services by name, as in services: { api: {}, worker: {} }' },
    )
    .describe('The members of the mesh, by name.'),
  verification: z
    .strictObject({
      verify_mode: z
        .literal('CERT_REQUIRED', { error: 'CERT_REQUIRED: the client’s certificate is always required' })
        .default('CERT_REQUIRED')
        .describe('Servers require a certificate of every client.'),
      check_hostname: z
        .literal(true, { error: 'true: the name is always checked' })
        .default(true)
        .describe('Clients check the name of every server.'),
      cert_reqs: z
        .literal('CERT_REQUIRED', { error: 'CERT_REQUIRED: the server’s certificate is always required' })
        .default('CERT_REQUIRED')
        .describe('Clients require a certificate of every server.'),
    })
    .prefault({})
    .describe('Stated, not chosen: nothing less is accepted.'),
  authority: z
    .strictObject({
      state: filePath
        .optional()
        .describe(
          'The authority’s state folder. Default: `.mtls` beside `paths.ca_cert`; with `--env NAME`, `.mtls/NAME`.',
        ),
      extra_domains: z
        .array(trustDomain, { error: 'a list of DNS names' })
        .max(100, { error: 'at most 100 domains' })
        .default([])
        .describe('Domains besides the trust domain that `dns_names` may lie in.'),
      passphrase_file: filePath
        .optional()
        .describe(
          'A file (0600) with the passphrase of the CA keys. Default: the systemd credential `mtls-ca-passphrase`, else `$MTLS_CA_PASSPHRASE`, else one made at the first apply beside the keys.',
        ),
      store_ca_keys_in_clear: z
        .boolean({ error: 'true or false' })
        .default(false)
        .describe('Keep the CA keys unencrypted. Whoever reads the disk or a backup then is the CA.'),
      root: ca(10).extend({ offline }).prefault({}).describe('The root CA.'),
      issuing: ca(3)
        .extend({ constrain_uris: constrainUris })
        .prefault({})
        .describe('The issuing CA, which signs the services’ certificates.'),
      bundle_days: days(90)
        .default(7)
        .describe(
          'Life of a mesh bundle, in days: how long the mesh goes on when the authority is down. It is signed anew every day, or four times in its life where that is shorter.',
        ),
      clock_skew: duration('0s', '1h')
        .prefault('5m')
        .describe('How far the clocks of two machines may be apart.'),
      listen: z
        .union([z.literal('none'), address], { error: '"none", or HOST:PORT' })
        .default('none')
        .describe(
          'Where peers on other hosts reach the authority, HOST:PORT, over mutual TLS. With 0.0.0.0 or [::] they call `authority.TRUST_DOMAIN`.',
        ),
      http: z
        .union([z.literal('none'), address], { error: '"none", or HOST:PORT' })
        .default('127.0.0.1:7480')
        .describe(
          'Where `mtls up` serves revocation lists and OCSP to whoever is no peer, HOST:PORT, over plain HTTP: everything there is signed.',
        ),
      public_url: text('an http URL without a path, as in http://authority.example:7480', isPublicUrl)
        .optional()
        .describe(
          'How that is reached from elsewhere: it goes into certificates. Default: `http://authority.TRUST_DOMAIN:7480`, the port of `http`.',
        ),
      metrics: z
        .union([z.literal('none'), address], { error: '"none", or HOST:PORT' })
        .default('127.0.0.1:7482')
        .describe(
          'Where `mtls up` serves `/metrics` (Prometheus), `/healthz` and `/readyz`, HOST:PORT, over plain HTTP, to whoever reaches it.',
        ),
      metrics_services: z
        .union([z.literal('all'), count(0, 100_000)], { error: '"all", or a whole number from 0 to 100000' })
        .default(20)
        .describe(
          'How many services `/metrics` names, those whose certificates end soonest, or `all`. It counts every one either way.',
        ),
      console: z
        .union([z.literal('none'), address], { error: '"none", or HOST:PORT' })
        .default('127.0.0.1:7483')
        .describe(
          'Where `mtls up` serves the console, a web page that `mtls console` opens, HOST:PORT. At an address that other machines reach it is there for `operators` only, over mutual TLS, as `authority.TRUST_DOMAIN`.',
        ),
      console_read_only: z
        .boolean({ error: 'true or false' })
        .default(false)
        .describe('Whether the console only shows, and does nothing.'),
      log: text('the http URL that `mtls log serve` says, as in http://log.example:7481/log/ID', isLogUrl)
        .optional()
        .describe(
          'The transparency log, where it runs alone (`mtls log serve`), by the URL that it says when it starts: that names its key too. Default: `mtls up` is the log itself.',
        ),
      auto_apply: oneOf(['safe', 'all']).default('safe').describe('What `mtls up` does without asking.'),
    })
    .prefault({})
    .describe('The certificate authority.'),
  operators: z
    .record(
      text('an operator’s name of a-z, 0-9 and hyphens, at most 63', (name) => SERVICE_NAME.test(name)),
      operator.nullable().transform((value) => value ?? operator.parse({})),
      { error: 'operators by name, as in operators: { alice: {} }' },
    )
    .default({})
    .describe(
      'Who may come to the console from elsewhere, by a certificate that `mtls issue --operator` issues. Operators are no members: no service lets them in.',
    ),
  rotation: z
    .strictObject({
      renew_at: renewAt.default(0.67).describe('When a certificate is renewed, as a fraction of its life.'),
      jitter: fractionOfLife(0, 0.5)
        .default(0.05)
        .describe(
          'It may be renewed earlier by up to this fraction of its life, so that not all are at once.',
        ),
      at_once: count(1, 64).default(8).describe('How many renewals `mtls up` makes beside each other.'),
      per_minute: count(1, 1_000_000)
        .default(600)
        .describe('How many renewals `mtls up` begins in a minute.'),
      keep_previous: duration('0s', '30d')
        .prefault('24h')
        .describe('How long `mtls rotate SERVICE --back` can put the previous pair back.'),
    })
    .prefault({})
    .describe('When certificates are renewed.'),
  revocation: z
    .strictObject({
      crl_days: days(90)
        .default(7)
        .describe(
          'Life of a revocation list of the issuing CA, in days; a new one is made at half of it, and at every revocation. The root’s list lives a year.',
        ),
      ocsp_days: days(30)
        .default(3)
        .describe('Life of an OCSP answer, in days; a new one is made at half of it, and at the revocation.'),
      deltas: z
        .boolean({ error: 'true or false' })
        .default(false)
        .describe(
          'Publish beside each list of the issuing CA a delta: what was revoked since an earlier one, for readers that keep that.',
        ),
      shards: count(1, 256)
        .default(1)
        .describe(
          'How many parts of the issuing CA’s list are published besides the whole; a certificate names the one that it is in. Certificates that were issued before a change keep theirs. NSS can’t read a part: leave it at 1 for what is built on it.',
        ),
    })
    .prefault({})
    .describe('What is told of revocation to whoever is no peer. Peers go by the mesh bundle.'),
  transparency: oneOf(['off', 'report', 'required'])
    .default('required')
    .describe(
      'Whether certificates are logged, and peers refuse what is not (`required`) or report it. Required begins once every member’s certificate is logged and every live peer knows the log.',
    ),
  pinning: oneOf(['off', 'report', 'required'])
    .default('required')
    .describe(
      'What peers do about a certificate whose key the mesh bundle does not name: nothing, tell of it, or refuse it. `required` holds as soon as every live peer knows the keys; until then they tell of it.',
    ),
}

/** An overlay may leave out anything, services included. */
const overlay = z.strictObject(body).partial()

export const configText = z
  .strictObject(
    {
      ...body,
      environments: z
        .record(
          text(
            `a name of a-z, 0-9 and hyphens, at most 63, and none of ${[...RESERVED_ENVIRONMENT_NAMES].join(', ')}`,
            (name) => SERVICE_NAME.test(name) && !RESERVED_ENVIRONMENT_NAMES.has(name),
          ),
          overlay,
        )
        .default({})
        .describe('Overlays by name: `--env NAME` merges one over the file, key by key.'),
    },
    { error: 'settings by name, as in services: { api: {}, worker: {} }' },
  )
  .describe('datapunk-mtls configuration')

/** A config file's content, checked value by value, with every default filled in. */
export type ConfigText = z.output<typeof configText>
export type ServiceText = z.output<typeof service>

/** Splits what the schema has already checked. */
export function splitAddress(value: string): { host: string; port: number | undefined } {
  const match = HOST_AND_PORT.exec(value)
  if (match === null) throw new TypeError('splitAddress takes a checked address')
  return { host: match[1] ?? match[2] ?? '', port: match[3] === undefined ? undefined : Number(match[3]) }
}

/** The values as one would say them: `a, b or c`. */
function either(values: readonly (string | number)[]): string {
  return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}

/** YAML 1.2 reads `0600` as the decimal 600, and `0o600` as 384; people mean the same by both. */
function modeDigits(value: number | string): string {
  if (typeof value === 'string') return value.replace(/^0o?/, '')
  return FILE_MODES.includes(String(value)) ? String(value) : value.toString(8)
}

function isPublicUrl(value: string): boolean {
  const url = URL.parse(value)
  return url?.protocol === 'http:' && url.href === `${url.origin}/` && value.length <= 200
}

/** Its last part is the first half of the hash of the log's key. */
function isLogUrl(value: string): boolean {
  const url = URL.parse(value)
  return (
    url?.protocol === 'http:' &&
    url.href === `${url.origin}${url.pathname}` &&
    url.href === value &&
    /^\/log\/[0-9a-f]{32}$/.test(url.pathname) &&
    value.length <= 250
  )
}

function isPrintable(value: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(value)
}
