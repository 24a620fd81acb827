import { statSync } from 'node:fs'
import { type MeshDocuments, readMeshDocuments } from '@datapunk/mesh'
import { type Config, layoutOf } from '@datapunk/protocol'

/** What the mesh says in public, read again whenever it says something else. */
export class NewestMesh {
  readonly #config: Config
  readonly #clock: () => number
  #known: MeshDocuments | undefined
  #seen = ''

  /** @param clock milliseconds since the epoch */
  constructor(config: Config, clock: () => number) {
    this.#config = config
    this.#clock = clock
  }

  /**
   * As it is on disk now; as it was last where that can't be believed, which its own end bounds.
   *
   * @throws MeshError as `readMeshDocuments`: nothing was ever believed
   */
  look(): MeshDocuments {
    const seen = this.#fingerprint()
    if (this.#known !== undefined && seen === this.#seen) return this.#known
    try {
      const latest = this.#clock() + this.#config.authority.clockSkew
      this.#known = readMeshDocuments(this.#config, { latest, previous: this.#known })
      this.#seen = seen
      return this.#known
    } catch (error) {
      if (this.#known === undefined) throw error
      return this.#known
    }
  }

  /** Both are replaced as whole files. */
  #fingerprint(): string {
    const { head, trustDir } = layoutOf(this.#config).mesh
    return [head, trustDir]
      .map((path) => {
        const found = statSync(path, { bigint: true, throwIfNoEntry: false })
        return found && `${found.ino} ${found.size} ${found.mtimeNs}`
      })
      .join(' ')
  }
}
