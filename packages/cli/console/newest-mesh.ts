import { statSync } from 'node:fs'
import { type Config, layoutOf } from '@datapunk/protocol'
import { type PublishedMesh, readPublishedMesh } from '../published-mesh.ts'

/** What the mesh says in public, read again whenever it says something else. */
export class NewestMesh {
  readonly #config: Config
  #known: PublishedMesh | undefined
  #seen = ''

  constructor(config: Config) {
    this.#config = config
  }

  /**
   * As it is on disk now; as it was last where that can't be believed, which its own end bounds.
   *
   * @throws CliError `MESH_UNREADABLE`; ProtocolError, PkiError: nothing was ever believed
   */
  look(): PublishedMesh {
    const seen = this.#fingerprint()
    if (this.#known !== undefined && seen === this.#seen) return this.#known
    try {
      this.#known = readPublishedMesh(this.#config, this.#known)
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
