import { createPrivateKey, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { Authority } from '@datapunk/authority'
import { logOpener } from '@datapunk/log'
import { join, type Mesh, type MeshDocuments, type Refusal, readMeshDocuments } from '@datapunk/mesh'
import { type Certificate, spkiOf } from '@datapunk/pki'
import { type Config, layoutOf, type ServiceConfig } from '@datapunk/protocol'
import { CliError } from '../../cli-error.ts'
import { pause } from '../../pause.ts'
import type { World } from '../../world.ts'
import type { ProbedPlace } from '../attempt.ts'
import { readPair, type ShownPair } from '../shown-pair.ts'
import { type Cast, REHEARSAL, rehearsalConfig, rehearsalText } from './rehearsal-config.ts'

export type RehearsalWorld = Pick<World, 'clock' | 'randomBytes' | 'pid' | 'onSignal'>

/** A peer says hello, and acknowledges a bundle, in a few milliseconds. */
const HEARD_WITHIN = 5000

/** A service of the mesh in this process: the real library, and an application that says hello. */
export interface RehearsedService {
  readonly name: string
  readonly mesh: Mesh
  readonly port: number
  /** Whom it has refused, and whom it would not have as a server, the latest last. */
  readonly refusals: readonly Refusal[]
  readonly close: () => Promise<void>
}

/** A key that signs certificates, right or wrong. */
export interface IssuingCa {
  readonly certificate: Certificate
  readonly privateKey: KeyObject
}

/** @throws CliError `FILE_UNWRITABLE` */
function temporaryFolder(): string {
  try {
    return realpathSync(mkdtempSync(joinPath(tmpdir(), 'mtls-rehearsal-')))
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new CliError(
      'FILE_UNWRITABLE',
      `${tmpdir()} can't be written to (${reason}), where the rehearsal has its files; allowed: another folder, in $TMPDIR`,
      { cause },
    )
  }
}

/** A mesh that is thrown away: its own authority, whose keys nobody believes, and its services, in this process. */
export class RehearsedMesh {
  readonly #folder: string
  readonly #file: string
  readonly #services = new Map<string, RehearsedService>()
  #authority: Authority | undefined
  #config: Config

  private constructor(folder: string, text: string) {
    this.#folder = folder
    this.#file = joinPath(folder, 'mtls-config.yaml')
    this.#config = this.#written(text)
  }

  /** Makes the mesh of the config anew, serves its members, and tells them where each is. */
  static async open(config: Config, cast: Cast, world: RehearsalWorld): Promise<RehearsedMesh> {
    const folder = temporaryFolder()
    const mesh = new RehearsedMesh(folder, rehearsalText(config, cast))
    try {
      await mesh.#openAuthority(world)
      for (const name of cast.members) mesh.#services.set(name, await mesh.#serve(name))
      const ports = new Map([...mesh.#services].map(([name, { port }]) => [name, port]))
      mesh.#config = mesh.#written(rehearsalText(config, cast, ports))
      mesh.authority.configure(mesh.#config)
      await mesh.apply()
      return mesh
    } catch (error) {
      await mesh.close()
      throw error
    }
  }

  get config(): Config {
    return this.#config
  }

  get authority(): Authority {
    if (this.#authority === undefined) throw new TypeError('the authority is open from the start on')
    return this.#authority
  }

  service(name: string): RehearsedService {
    const service = this.#services.get(name)
    if (service === undefined) throw new TypeError(`${name} plays in this rehearsal`)
    return service
  }

  settings(name: string): ServiceConfig {
    return this.#config.services.get(name) as ServiceConfig
  }

  place(name: string): ProbedPlace {
    const serverName = this.settings(name).commonName
    return { host: '127.0.0.1', port: this.service(name).port, serverName, speaks: 'any' }
  }

  /** What a member shows now. */
  pair(name: string): ShownPair {
    return readPair(layoutOf(this.#config).instance(name).current)
  }

  /** The CA under which all of them stand, to be misused: its key lies in clear, and is believed nowhere else. */
  issuingCa(): IssuingCa {
    const certificate = this.#published().trust.issuingCas.at(-1)
    const { keys } = layoutOf(this.#config).authority
    for (const name of readdirSync(keys)) {
      const privateKey = createPrivateKey(readFileSync(joinPath(keys, name)))
      if (certificate && Buffer.compare(spkiOf(privateKey), certificate.spki) === 0)
        return { certificate, privateKey }
    }
    throw new TypeError('an authority with its keys in clear has that of its issuing CA')
  }

  /** Has everything done that is due, and known by every member. */
  async apply(): Promise<void> {
    const { failed } = await this.authority.apply({ approve: () => true })
    for (const { error } of failed) throw error
    await this.settled()
  }

  /** Once every member enforces the newest bundle. */
  async settled(): Promise<void> {
    const { number: bundle } = this.#published().bundle.head
    await this.authority.enforcement({ bundle, wait: HEARD_WITHIN })
  }

  /** It was signed in this process, a moment ago. */
  #published(): MeshDocuments {
    return readMeshDocuments(this.#config, { latest: Infinity })
  }

  /** Ends all of it, and leaves nothing behind. */
  async close(): Promise<void> {
    await Promise.all([...this.#services.values()].map((service) => service.close()))
    await this.#authority?.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #openAuthority({ clock, randomBytes, pid }: RehearsalWorld): Promise<void> {
    this.#authority = await Authority.open({
      ...{ config: this.#config, clock, randomBytes, pid, environment: {}, purpose: 'probe --rehearse' },
      openLog: logOpener(this.#config, clock),
    })
    await this.#authority.servePeers()
    await this.apply()
  }

  async #serve(name: string): Promise<RehearsedService> {
    const memory = joinPath(this.#folder, 'memory', name)
    const mesh = await join(name, { config: this.#file, environment: REHEARSAL, root: '/', memory })
    const refusals: Refusal[] = []
    mesh.on('refused', (refusal) => refusals.push(refusal))
    const server = mesh.createServer((_, response) => response.end('hello\n'))
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    await this.#arrived(name)
    const { port } = server.address() as { port: number }
    const close = async () => {
      server.close()
      await mesh.leave()
    }
    return { name, mesh, port, refusals, close }
  }

  /** Whoever has not said hello yet is waited for by nobody, and would not know where the others are. */
  async #arrived(name: string): Promise<void> {
    const { peers } = this.authority
    const waiting = new AbortController()
    const look = () => {
      if (peers.live().some(({ instance }) => instance === name)) waiting.abort()
    }
    const stop = peers.onChange(look)
    look()
    await pause(HEARD_WITHIN, waiting.signal)
    stop()
  }

  #written(text: string): Config {
    writeFileSync(this.#file, text, { mode: 0o600 })
    return rehearsalConfig(text, this.#file)
  }
}
