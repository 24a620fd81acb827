import type { MeshRow } from '../store/rows.ts'
import type { CertificateLog, WantedLog } from './certificate-log.ts'

type Mesh = Pick<MeshRow, 'meshId' | 'generation'>

/** The log that what is issued goes to, opened when there is a mesh for it to be of. */
export class LogSeat {
  readonly #open: (wanted: WantedLog) => Promise<CertificateLog>
  /** What the log has promised since it was opened, by place: the hash of what is certified, until it was seen there. */
  readonly promised = new Map<number, string>()
  /** Roots, by the hash of their keys, that it has said it takes chains to. */
  readonly roots = new Set<string>()
  /** That it has not been looked at for some time, as whoever watches it has found; undefined where it has. */
  unread: string | undefined
  #log: CertificateLog | undefined
  #generation = 0
  #failure: Error | undefined
  #opening: Promise<void> | undefined

  constructor(open: (wanted: WantedLog) => Promise<CertificateLog>) {
    this.#open = open
  }

  get log(): CertificateLog | undefined {
    return this.#log
  }

  /** Why it can't be had. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Opens it, unless it is open. A failure is kept, for whoever then wants to issue; the next call tries again. */
  async take(mesh: Mesh): Promise<void> {
    if (this.#log === undefined || this.#generation !== mesh.generation) await this.#takeOnce(mesh, false)
  }

  /** Makes another. */
  async replace(mesh: Mesh): Promise<void> {
    await this.#opening
    await this.#takeOnce(mesh, true)
  }

  async close(): Promise<void> {
    await this.#opening
    await this.#log?.close()
    this.#log = undefined
  }

  #takeOnce(mesh: Mesh, fresh: boolean): Promise<void> {
    this.#opening ??= this.#take(mesh, fresh).finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #take({ meshId, generation }: Mesh, fresh: boolean): Promise<void> {
    await this.#log?.close()
    this.#log = undefined
    this.promised.clear()
    this.roots.clear()
    this.unread = undefined
    try {
      this.#log = await this.#open({ meshId, generation, fresh })
      this.#generation = generation
      this.#failure = undefined
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error))
    }
  }
}
