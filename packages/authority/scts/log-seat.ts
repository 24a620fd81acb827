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
  /** Whether it was told of the log that is open that it was put back. */
  toldPutBack = false
  #log: CertificateLog | undefined
  #generation = 0
  #notOpened: Error | undefined
  #notTaken: Error | undefined
  #opening: Promise<void> | undefined

  constructor(open: (wanted: WantedLog) => Promise<CertificateLog>) {
    this.#open = open
  }

  get log(): CertificateLog | undefined {
    return this.#log
  }

  /** Why it can't be had: it could not be opened, or took nothing when it was last asked to. */
  get failure(): Error | undefined {
    return this.#notOpened ?? this.#notTaken
  }

  /** It was asked to take something. @param failure why it has not */
  wasAsked(failure?: unknown): void {
    this.#notTaken = failure === undefined ? undefined : asError(failure)
  }

  /**
   * It shows its checkpoint. What failed because nobody was there may be tried again; what the log itself could not do has failed
   * until it takes something.
   */
  wasRead(): void {
    if (isAway(this.#notTaken)) this.#notTaken = undefined
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
    this.toldPutBack = false
    try {
      this.#log = await this.#open({ meshId, generation, fresh })
      this.#generation = generation
      this.#notOpened = undefined
      this.#notTaken = undefined
    } catch (error) {
      this.#notOpened = asError(error)
    }
  }
}

/** Whether it was not reached at all. */
function isAway(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error as { code?: string }).code === 'LOG_UNREADABLE' &&
    error.cause !== undefined
  )
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
