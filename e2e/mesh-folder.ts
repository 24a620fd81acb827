import { randomBytes } from 'node:crypto'
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApplyReport, Authority, type AuthorityOptions, type IssuedChain } from '@datapunk/authority'
import { logOpener, readUrl } from '@datapunk/log'
import { type Config, type Layout, layoutOf, parseConfig } from '@datapunk/protocol'

/** A config as written in YAML, of which JSON is a part. `{}` for a service is enough. */
export interface ConfigText {
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly [section: string]: unknown
}

/** A mesh made by the real authority in a folder of its own, which other users can pass through. */
export class MeshFolder {
  readonly folder: string
  readonly configFile: string

  private constructor(folder: string) {
    this.folder = folder
    this.configFile = join(folder, 'mtls-config.yaml')
  }

  /** Writes the config and applies it. */
  static async applied(config: ConfigText, parent?: string): Promise<MeshFolder> {
    const mesh = MeshFolder.planned(config, parent)
    await mesh.apply()
    return mesh
  }

  /**
   * Writes the config, and nothing else. Unless told otherwise services are reached on loopback, by port, and CA keys
   * lie in clear: scrypt is slow on purpose, and few tests are about it. Those say `authority: {}`.
   */
  static planned(config: ConfigText, parent = tmpdir()): MeshFolder {
    const mesh = new MeshFolder(mkdtempSync(join(parent, 'mesh-')))
    chmodSync(mesh.folder, 0o755)
    mesh.write(config)
    return mesh
  }

  write(config: ConfigText): void {
    const services = Object.entries(config.services).map(([name, settings]) => [
      name,
      { address: '127.0.0.1', ...settings },
    ])
    const whole = {
      trust_domain: 'service.datapunk',
      authority: { store_ca_keys_in_clear: true, http: 'none', metrics: 'none', console: 'none' },
      certificates: { organization: 'Datapunk', country: 'US', key_algorithm: 'ecdsa-p256' },
      ...config,
      services: Object.fromEntries(services),
    }
    writeFileSync(this.configFile, JSON.stringify(whole, undefined, 2))
  }

  get config(): Config {
    const file = this.configFile
    return parseConfig(readFileSync(file), { file, mode: statSync(file).mode })
  }

  get layout(): Layout {
    return layoutOf(this.config)
  }

  get caCert(): string {
    return this.config.paths.caCert
  }

  /** The paths a service is given: the config's, not those they lead to. */
  pair(service: string): { cert: string; key: string } {
    const settings = this.config.services.get(service)
    if (settings === undefined) throw new TypeError(`no service ${service} in this config`)
    return { cert: settings.cert, key: settings.key }
  }

  /** @throws the first failure of any action, because a test that goes on without a pair fails somewhere else */
  async apply(): Promise<ApplyReport> {
    const report = await this.#withAuthority((authority) => authority.apply({ approve: () => true }))
    for (const { error } of report.failed) throw error
    return report
  }

  /** A new pair for a service, swapped in. */
  issue(service: string, options: Partial<AuthorityOptions> = {}): Promise<IssuedChain> {
    return this.#withAuthority((authority) => authority.issue(service), options)
  }

  /** The authority's own folder as it is now, aside. Nobody may be writing to it. */
  copyState(): string {
    const copy = join(this.folder, 'copy')
    cpSync(this.layout.state, copy, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !path.endsWith('.sock') && !path.includes('/memory'),
    })
    return copy
  }

  /** Puts back by hand what `copyState` took; what services keep for themselves stays. */
  putBackState(copy: string): void {
    for (const part of ['authority', 'mesh']) {
      rmSync(join(this.layout.state, part), { recursive: true })
      cpSync(join(copy, part), join(this.layout.state, part), { recursive: true, verbatimSymlinks: true })
    }
    chmodSync(join(this.layout.state, 'authority'), 0o700)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** The authority of this mesh, until it is closed. */
  authority({ clock = Date.now, ...options }: Partial<AuthorityOptions> = {}): Promise<Authority> {
    return Authority.open({
      ...{ config: this.config, clock },
      randomBytes,
      environment: {},
      pid: process.pid,
      purpose: 'test',
      openLog: logOpener(this.config, clock),
      readLogElsewhere: (origin, path) => readUrl(`http://${origin}`)(path),
      ...options,
    })
  }

  async #withAuthority<Result>(
    use: (authority: Authority) => Promise<Result>,
    options: Partial<AuthorityOptions> = {},
  ): Promise<Result> {
    const authority = await this.authority(options)
    try {
      return await use(authority)
    } finally {
      await authority.close()
    }
  }
}
