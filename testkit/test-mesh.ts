import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { type KeyAlgorithm, localSigner, sha256 } from '@datapunk/pki'
import {
  type Config,
  type DocumentNumber,
  encodeAudit,
  encodeMembers,
  encodePins,
  encodeRevoked,
  encodeTransparency,
  keyIdOf,
  type Layout,
  layoutOf,
  type Member,
  parseConfig,
  pinOf,
  type Requirement,
  type SectionRef,
  type Strictness,
  sealBundleHead,
  sealTrustStatement,
  type TrustStatement,
} from '@datapunk/protocol'
import type { TreeRoot } from '@datapunk/tlog'
import type { BadSctCertificate } from './bad-scts.ts'
import { TestCa, type TestOverrides } from './test-ca.ts'
import type { TestIdentity } from './test-certificate.ts'
import { testExtension } from './test-extensions.ts'
import { TestLog } from './test-log.ts'

/** A service of a test mesh. Left out, everything is as in the config file: all members may call it, TLS 1.3. */
export interface TestServiceOptions {
  readonly allow?: 'members' | readonly string[]
  readonly minTls?: '1.3' | '1.2'
  readonly algorithm?: KeyAlgorithm
  /** Besides `SERVICE.TRUST_DOMAIN`. */
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  /** `HOST` or `HOST:PORT`; `127.0.0.1` unless told, so that callers name the port. */
  readonly address?: string
  readonly listen?: string
  /** With `required`, its certificates demand a staple. */
  readonly ocspStapling?: 'on' | 'off' | 'required'
}

export interface TestMeshOptions {
  readonly services: Readonly<Record<string, TestServiceOptions>>
  readonly trustDomain?: string
  /** The kind of the CAs' keys, and of the services' where they don't say otherwise. */
  readonly algorithm?: KeyAlgorithm
  /** When it was made, milliseconds since the epoch; now unless told, because OpenSSL has no other clock. */
  readonly at?: number
  readonly seed?: string
  /** Asks for logged certificates from the first bundle on, and gives such. */
  readonly transparency?: Requirement
  /** Life of its bundles; 7 days unless told. */
  readonly bundleDays?: number
}

const LOG_ORIGIN = 'log.test/1'

/** What one document of the mesh says, changed in one place. */
export type MemberChange = Partial<Omit<Member, 'service'>>

/**
 * A whole mesh in a temporary folder, as `mtls apply` leaves it: config file, root, signed trust statement and bundle, a
 * pair per service. Made without the authority, so that a test can also make what the authority never would.
 *
 * ```ts
 * const testMesh = await TestMesh.create({ services: { lake: { allow: ['stream'] }, stream: {} } })
 * const lake = await join('lake', { config: testMesh.configFile })
 * ```
 */
export class TestMesh {
  readonly folder: string
  readonly configFile: string
  readonly ca: TestCa
  /** That the trust statement names. */
  readonly log: TestLog
  readonly config: Config
  readonly layout: Layout
  readonly #bundleKey: TestIdentity
  readonly #members: Map<string, Member>
  readonly #bundleDays: number
  readonly #algorithms: ReadonlyMap<string, KeyAlgorithm | undefined>
  readonly #leaves = new Map<string, TestIdentity>()
  readonly #versions = new Map<string, number>()
  readonly #revoked = new Set<string>()
  readonly #pins = new Map<string, Set<string>>()
  /** What the next bundle says of certificates that are not logged; pairs that services are given are from then on. */
  #transparency: Requirement | undefined
  #pinMode: Strictness = 'off'
  #trust: TrustStatement
  /** Of the last bundle; may be set back, as no authority would. */
  number: DocumentNumber = { generation: 1, counter: 0 }
  /** What the next bundles say of the authority's audit; nothing unless told. */
  audit: TreeRoot | undefined

  private constructor(
    folder: string,
    config: Config,
    ca: TestCa,
    log: TestLog,
    bundleKey: TestIdentity,
    { services, at, bundleDays = 7, transparency }: TestMeshOptions,
  ) {
    this.#bundleDays = bundleDays
    this.folder = folder
    this.configFile = config.file
    this.config = config
    this.layout = layoutOf(config)
    this.ca = ca
    this.log = log
    this.#transparency = transparency
    this.#bundleKey = bundleKey
    this.#algorithms = new Map(Object.entries(services).map(([name, { algorithm }]) => [name, algorithm]))
    this.#members = new Map([...config.services.keys()].map((name) => [name, memberOf(config, name)]))
    this.#trust = {
      number: { generation: 1, counter: 1 },
      meshId: randomBytes(16).toString('hex'),
      trustDomain: config.trustDomain,
      issuedAt: at ?? ca.at,
      roots: [ca.root.certificate],
      issuingCas: [ca.issuing.certificate],
      bundleKeys: [bundleKey.signer.spki],
      logs: [{ spki: log.signer.spki, origin: LOG_ORIGIN }],
    }
  }

  static async create(options: TestMeshOptions): Promise<TestMesh> {
    const folder = await mkdtemp(join(tmpdir(), 'test-mesh-'))
    const { trustDomain = 'service.datapunk', algorithm = 'ecdsa-p256', at = Date.now() } = options
    const file = join(folder, 'mtls-config.yaml')
    const text = configText(trustDomain, options.services)
    await writeFile(file, text)
    const seed = options.seed ?? folder
    const ca = await TestCa.create({ trustDomain, algorithm, at, seed })
    const [log, bundleKey] = [await TestLog.create(), await ca.leaf('bundle-key')]
    const mesh = new TestMesh(folder, parseConfig(text, { file }), ca, log, bundleKey, options)
    await mesh.#write()
    return mesh
  }

  get meshId(): string {
    return this.#trust.meshId
  }

  /** The config's paths of a service's pair: links, as the authority makes them. */
  pair(service: string): { cert: string; key: string } {
    const settings = this.config.services.get(service)
    if (settings === undefined) throw new TypeError(`no service ${service} in this test mesh`)
    return { cert: settings.cert, key: settings.key }
  }

  /** The newest good pair that a service was given. */
  newestLeaf(service: string): TestIdentity {
    const leaf = this.#leaves.get(service)
    if (leaf === undefined) throw new TypeError(`no pair of ${service} in this test mesh`)
    return leaf
  }

  member(service: string): Member {
    const member = this.#members.get(service)
    if (member === undefined) throw new TypeError(`no member ${service} in this test mesh`)
    return member
  }

  /** A leaf for a service, with the names the bundle lists, but for the overrides; written nowhere. */
  leaf(service: string, overrides: TestOverrides = {}): Promise<TestIdentity> {
    const fields = this.#fieldsOf(service, overrides)
    return this.#transparency === undefined
      ? this.ca.leaf(service, fields)
      : this.ca.loggedLeaf(service, this.log, fields)
  }

  /** A leaf for a service, good but for its SCT; written nowhere. */
  badlyLogged(bad: BadSctCertificate, service: string): Promise<TestIdentity> {
    return bad.make(this.ca, service, this.log, this.#fieldsOf(service, {}))
  }

  #fieldsOf(service: string, overrides: TestOverrides): TestOverrides {
    const { dnsNames, ipAddresses, spiffeId } = this.member(service)
    const algorithm = this.#algorithms.get(service)
    const isMustStaple = this.config.services.get(service)?.ocspStapling === 'required'
    return {
      ...(algorithm && { algorithm }),
      ...overrides,
      extensions: {
        subjectAltName: testExtension.subjectAltName({ dnsNames, ipAddresses, uris: [spiffeId] }),
        ...(isMustStaple && { tlsFeature: testExtension.mustStaple() }),
        ...overrides.extensions,
      },
    }
  }

  /** A new pair for a service, swapped in as the authority does. */
  async rotate(service: string, overrides: TestOverrides = {}): Promise<TestIdentity> {
    const leaf = await this.leaf(service, overrides)
    await this.writePair(service, this.ca.chainPem(leaf), leaf.keyPem)
    this.#leaves.set(service, leaf)
    this.pin(service, leaf)
    return leaf
  }

  /** Whatever text, as the next version of a service's pair: `current` is swapped by one rename. */
  async writePair(service: string, cert: string, key: string, mode = 0o600): Promise<void> {
    const { dir, current } = this.layout.instance(service)
    const version = (this.#versions.get(service) ?? 0) + 1
    this.#versions.set(service, version)
    const folder = join(dir, `v${version}`)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(folder, 'cert.pem'), cert, { mode: 0o644 })
    await writeFile(join(folder, 'key.pem'), key, { mode })
    await symlink(basename(folder), `${current}.next`)
    await rename(`${current}.next`, current)
    await rm(join(dir, `v${version - 2}`), { recursive: true, force: true })
  }

  /** Changes a member, or removes it, in the next bundle. */
  change(service: string, change: MemberChange | 'remove'): void {
    if (change === 'remove') this.#members.delete(service)
    else this.#members.set(service, { ...this.member(service), ...change })
  }

  /** Takes a member as it was into the next bundle. */
  restore(member: Member): void {
    this.#members.set(member.service, member)
  }

  /** Lists a certificate as revoked, in a new bundle. @param serial lowercase hex */
  async revoke(serial: string): Promise<void> {
    this.#revoked.add(serial)
    await this.publish()
  }

  /** Says from the next bundle on what becomes of certificates that are not logged; new pairs are from now on. */
  transparency(transparency: Requirement | undefined): void {
    this.#transparency = transparency
  }

  /** Writes what the log serves, as it is now. */
  async writeLog(): Promise<void> {
    const folder = this.layout.log(this.log.id.slice(0, 32)).public
    await rm(folder, { recursive: true, force: true })
    for (const [path, octets] of await this.log.files(LOG_ORIGIN, this.ca.at)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), octets)
    }
  }

  /** Says from the next bundle on what becomes of keys that are not pinned; those that services were given are. */
  pinning(mode: Strictness): void {
    this.#pinMode = mode
  }

  /** Names a key in the next bundle, or no more. */
  pin(service: string, { signer }: TestIdentity, isPinned = true): void {
    const pins = this.#pins.get(service) ?? new Set()
    this.#pins.set(service, pins)
    const pin = pinOf(keyIdOf(signer.spki))
    if (isPinned) pins.add(pin)
    else pins.delete(pin)
  }

  /** Says where a service can be reached, in a new bundle. */
  async place(service: string, port: number, host = '127.0.0.1'): Promise<void> {
    this.change(service, { address: { host, port } })
    await this.publish()
  }

  /**
   * Writes the next bundle.
   *
   * @param at when it was issued, milliseconds since the epoch; as the CA unless told
   * @returns its head, so that a test can put an old one back
   */
  async publish(at: number = this.ca.at): Promise<Uint8Array> {
    this.number = { ...this.number, counter: this.number.counter + 1 }
    const sections = [await this.#section('members', encodeMembers(this.#members.values()))]
    if (this.#revoked.size > 0) sections.push(await this.#section('revoked', encodeRevoked(this.#revoked)))
    if (this.#transparency !== undefined)
      sections.push(await this.#section('transparency', encodeTransparency(this.#transparency), false))
    if (this.#pinMode !== 'off')
      sections.push(await this.#section('pins', encodePins(this.#pinMode, this.#pins), false))
    if (this.audit !== undefined) sections.push(await this.#section('audit', encodeAudit(this.audit), false))
    const head = await sealBundleHead(
      {
        meshId: this.#trust.meshId,
        format: 1,
        number: this.number,
        issuedAt: at,
        expiresAt: at + this.#bundleDays * 24 * 60 * 60 * 1000,
        trustStatement: this.#trust.number,
        sections,
      },
      this.#bundleKey.signer,
    )
    await this.writeHead(head)
    return head
  }

  async #section(kind: string, bytes: Uint8Array, critical = true): Promise<SectionRef> {
    const digest = Buffer.from(sha256(bytes)).toString('hex')
    await replaceFile(this.layout.mesh.section(digest), bytes)
    return { kind, critical, digest, size: bytes.byteLength }
  }

  /** Puts a head in place. */
  async writeHead(head: Uint8Array): Promise<void> {
    await replaceFile(this.layout.mesh.head, head)
  }

  /** Writes the next trust statement, signed by the root it follows and by every root it adds. */
  async trust(change: Partial<TrustStatement>, addedRoots: readonly TestIdentity[] = []): Promise<void> {
    this.#trust = {
      ...this.#trust,
      ...change,
      number: change.number ?? { ...this.#trust.number, counter: this.#trust.number.counter + 1 },
    }
    await this.#writeTrust(addedRoots)
  }

  /** Another mesh of the same names: everything in it looks right, and none of it is. */
  static foreign(to: TestMesh, services: TestMeshOptions['services']): Promise<TestMesh> {
    return TestMesh.create({ services, trustDomain: to.config.trustDomain, at: to.ca.at, seed: 'foreign' })
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  async #write(): Promise<void> {
    const { mesh } = this.layout
    await mkdir(mesh.trustDir, { recursive: true })
    await mkdir(mesh.sectionsDir, { recursive: true })
    await mkdir(dirname(this.config.paths.caCert), { recursive: true })
    await writeFile(this.config.paths.caCert, this.ca.root.pem)
    await this.#writeTrust([])
    await this.publish()
    for (const service of this.config.services.keys()) {
      await this.rotate(service)
      const { cert, key } = this.layout.instance(service)
      const pair = this.pair(service)
      await mkdir(dirname(pair.cert), { recursive: true })
      await symlink(relative(dirname(pair.cert), cert), pair.cert)
      await symlink(relative(dirname(pair.key), key), pair.key)
    }
  }

  async #writeTrust(addedRoots: readonly TestIdentity[]): Promise<void> {
    const signers = [this.ca.root, ...addedRoots].map(({ privateKey }) => localSigner(privateKey))
    const { mesh } = this.layout
    await replaceFile(mesh.trustStatement(this.#trust.number), await sealTrustStatement(this.#trust, signers))
  }
}

/** By one rename, as the authority does: who watches the folder never reads half a document. */
async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${file}.next`, bytes)
  await rename(`${file}.next`, file)
}

/** YAML 1.2 has JSON within it. */
function configText(trustDomain: string, services: TestMeshOptions['services']): string {
  const entries = Object.entries(services).map(([name, options]) => [
    name,
    {
      address: options.address ?? '127.0.0.1',
      ...(options.listen && { listen: options.listen }),
      ...(options.allow && { allow: options.allow }),
      ...(options.minTls && { min_tls: options.minTls }),
      ...(options.ocspStapling && { ocsp_stapling: options.ocspStapling }),
      ...(options.dnsNames && { dns_names: options.dnsNames }),
      ...(options.ipAddresses && { ip_addresses: options.ipAddresses }),
    },
  ])
  const certificates = { organization: 'Datapunk', country: 'US' }
  return JSON.stringify(
    { trust_domain: trustDomain, certificates, services: Object.fromEntries(entries) },
    null,
    2,
  )
}

function memberOf(config: Config, service: string): Member {
  const settings = config.services.get(service)
  if (settings === undefined) throw new TypeError(`no service ${service} in the config`)
  const { organization, country } = config.certificates
  return {
    service,
    spiffeId: settings.spiffeId,
    dnsNames: settings.dnsNames,
    ipAddresses: settings.ipAddresses,
    subjects: [{ organization, country }],
    callers: settings.allow,
    address: settings.address,
    listen: settings.listen,
    minTls: settings.minTls,
  }
}
