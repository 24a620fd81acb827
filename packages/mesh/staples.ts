import type { Certificate } from '@datapunk/pki'
import type { ServiceConfig } from '@datapunk/protocol'
import type { Identity } from './identity.ts'
import { KeptStaple, type StapleSource } from './kept-staple.ts'
import { isMustStaple } from './staple.ts'
import type { MeshView } from './view.ts'

/** What the config file wants. */
type Stapling = ServiceConfig['ocspStapling']

/** The staples of this service's certificates, and which of its pairs serves: none without its staple, if that can be helped. */
export class Staples {
  readonly #source: StapleSource
  #serving: KeptStaple | undefined
  /** Handshakes that began under it may be under way. */
  #before: KeptStaple | undefined
  #next: KeptStaple | undefined

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
    this.#serving = this.#keep(identity, stapling)
    // Somebody waits, and nothing that the wait is made of keeps the process alive.
    const alive = setInterval(() => {}, 2 ** 31 - 1)
    await this.#serving?.tried
    clearInterval(alive)
  }

  /** What to show with a certificate now. */
  of(leaf: Certificate): Buffer | undefined {
    const kept = [this.#serving, this.#next, this.#before].find((each) => each && isOf(each, leaf))
    return kept?.current
  }

  /**
   * A new pair serves once its staple is there. As long as the pair before it can serve, the first try is waited for, and with
   * a certificate that demands a staple all that follow.
   */
  pairToServe(found: Identity, serving: Identity, view: MeshView, stapling: Stapling): Identity {
    if (found.leaf.serial === serving.leaf.serial) return found
    if (this.#next === undefined || !isOf(this.#next, found.leaf)) {
      void this.#next?.stop()
      this.#next = this.#keep(found, stapling)
    }
    const isWaiting = this.#next?.current === undefined && serving.isGood(view, this.#source.clock.now())
    if (this.#next && isWaiting && (isMustStaple(found.leaf) || !this.#next.hasTried)) return serving
    void this.#serving?.stop()
    this.#before = this.#serving
    this.#serving = this.#next
    this.#next = undefined
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
    await Promise.all([this.#serving, this.#before, this.#next].map((each) => each?.stop()))
  }

  #keep(identity: Identity, stapling: Stapling): KeptStaple | undefined {
    const isWanted = stapling !== 'off' || isMustStaple(identity.leaf)
    return isWanted ? new KeptStaple(identity, this.#source) : undefined
  }
}

function isOf({ identity }: KeptStaple, { serial }: Certificate): boolean {
  return identity.leaf.serial === serial
}
