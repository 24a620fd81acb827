import type { Certificate } from '@datapunk/pki'
import type { ServiceConfig } from '@datapunk/protocol'
import type { Identity } from '../gate/identity.ts'
import { isMustStaple } from '../gate/staple.ts'
import type { MeshView } from '../gate/view.ts'
import { KeptStaple, type StapleSource } from './kept-staple.ts'

/** What the config file wants. */
type Stapling = ServiceConfig['ocspStapling']

/** The staples of this service's certificates, and which of its pairs serves: none without its staple, if that can be helped. */
export class Staples {
  readonly #source: StapleSource
  /** As long as anybody holds the certificate: handshakes under an earlier one may be under way. */
  readonly #byLeaf = new WeakMap<Certificate, KeptStaple>()
  #serving: KeptStaple | undefined
  #next: KeptStaple | undefined
  #stopped = Promise.resolve()

  constructor(source: StapleSource) {
    this.#source = source
  }

  /**
   * The staple of the pair that serves first; fulfilled when it is there, or does not come for now.
   *
   * A certificate that demands one does not keep a service from joining where there is none: it can still call others, and
   * is met again as soon as the authority is; to refuse would make every restart depend on it.
   */
  async begin(identity: Identity, stapling: Stapling): Promise<void> {
    this.#serve(identity, isWanted(identity, stapling) ? this.#keep(identity) : undefined)
    // Somebody waits, and nothing that the wait is made of keeps the process alive.
    const alive = setInterval(() => {}, 2 ** 31 - 1)
    await this.#serving?.tried
    clearInterval(alive)
  }

  /** What to show with a certificate now. */
  of(leaf: Certificate): Buffer | undefined {
    return this.#byLeaf.get(leaf)?.current
  }

  /**
   * A new pair serves once its staple is there. As long as the pair before it can serve, the first try is waited for, and with
   * a certificate that demands a staple all that follow.
   */
  pairToServe(found: Identity, serving: Identity, view: MeshView, stapling: Stapling): Identity {
    const kept = isWanted(found, stapling) ? this.#keep(found) : undefined
    if (this.#next !== kept) this.#stop(this.#next)
    this.#next = undefined
    if (kept !== undefined && this.#hasToWait(found, kept, serving, view)) {
      this.#next = kept
      return serving
    }
    this.#serve(found, kept)
    return found
  }

  /** @returns whether a new pair was waited for, until its staple was there or the first try had failed */
  async waited(): Promise<boolean> {
    if (this.#next === undefined || this.#next.hasTried) return false
    await this.#next.tried
    return true
  }

  /** Fulfilled when nothing is being written any more. */
  async stop(): Promise<void> {
    this.#stop(this.#serving)
    this.#stop(this.#next)
    await this.#stopped
  }

  #hasToWait(found: Identity, kept: KeptStaple, serving: Identity, view: MeshView): boolean {
    if (found.leaf.serial === serving.leaf.serial || kept.current !== undefined) return false
    if (kept.hasTried && !isMustStaple(found.leaf)) return false
    return serving.isGood(view, this.#source.clock.now())
  }

  #serve({ leaf }: Identity, kept: KeptStaple | undefined): void {
    if (this.#serving !== kept) this.#stop(this.#serving)
    this.#serving = kept
    if (kept !== undefined) this.#byLeaf.set(leaf, kept)
    else this.#byLeaf.delete(leaf)
  }

  #keep(identity: Identity): KeptStaple {
    const { serial } = identity.leaf
    const kept = [this.#serving, this.#next].find((each) => each?.identity.leaf.serial === serial)
    return kept ?? new KeptStaple(identity, this.#source)
  }

  #stop(kept: KeptStaple | undefined): void {
    // Without what came of them: each would hold the one before.
    this.#stopped = Promise.all([this.#stopped, kept?.stop()]).then(() => {})
  }
}

function isWanted({ leaf }: Identity, stapling: Stapling): boolean {
  return stapling !== 'off' || isMustStaple(leaf)
}
