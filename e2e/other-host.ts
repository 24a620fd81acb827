import { cpSync, mkdirSync } from 'node:fs'
import { dirname, join as joinPath } from 'node:path'
import { type Clock, join, type Mesh } from '@datapunk/mesh'
import { authorityAddressOf } from '@datapunk/protocol'
import { type ConfigText, MeshFolder } from './mesh-folder.ts'

/**
 * A host other than the authority's: the config, the roots and the pairs are there (the pairs as a mount shows them, so that
 * rotations arrive), but neither the socket nor, unless it was copied, the mesh folder.
 */
export class OtherHost {
  readonly #authority: MeshFolder
  readonly #own: MeshFolder

  /** @param listen where the authority seems to be from here; else where the config has it */
  constructor(authority: MeshFolder, listen?: string) {
    const { config } = authority
    const { host, port } = authorityAddressOf(config) ?? {}
    const services = Object.fromEntries(
      [...config.services.keys()].map((name) => [name, authority.pair(name)]),
    )
    const text: ConfigText = {
      services,
      authority: { store_ca_keys_in_clear: true, listen: listen ?? `${host}:${port}` },
    }
    this.#authority = authority
    this.#own = MeshFolder.planned(text)
    mkdirSync(dirname(this.#own.caCert), { recursive: true })
    cpSync(authority.caCert, this.#own.caCert)
  }

  get configFile(): string {
    return this.#own.configFile
  }

  memoryOf(service: string): string {
    return joinPath(this.#own.folder, 'memory', service)
  }

  /** As whoever sets a host up may do. */
  copyMeshFolder(): void {
    const { dir } = this.#own.layout.mesh
    mkdirSync(dir, { recursive: true })
    const isNoSocket = (path: string) => !path.endsWith('.sock')
    cpSync(this.#authority.layout.mesh.dir, dir, { recursive: true, filter: isNoSocket })
  }

  join(service: string, clock?: Clock): Promise<Mesh> {
    return join(service, { config: this.configFile, memory: this.memoryOf(service), clock })
  }

  remove(): void {
    this.#own.remove()
  }
}
