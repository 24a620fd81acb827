import { formatDocumentNumber } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'

/** Tells, once for every bundle, when all live peers enforce it, and how long that took. */
export class EnforcementWatch {
  readonly #engine: Pick<Engine, 'store' | 'peers' | 'report'>
  #told = ''
  #looking = false
  #stop = () => {}
  #isStopped = false

  constructor(engine: Pick<Engine, 'store' | 'peers' | 'report'>) {
    this.#engine = engine
  }

  start(): void {
    this.#stop = this.#engine.peers.onChange(() => {
      if (this.#looking) return
      this.#looking = true
      // A thousand acknowledgements that come together are one look.
      setImmediate(() => {
        if (this.#isStopped) return
        this.#looking = false
        this.#look()
      })
    })
  }

  stop(): void {
    this.#stop()
    this.#isStopped = true
  }

  #look(): void {
    const { store, peers, report } = this.#engine
    const bundle = store.bundle()
    if (bundle === undefined) return
    const number = formatDocumentNumber(bundle)
    // As `lateFor`: whoever is revoked is not asked.
    const live = peers.live().filter(({ revoked }) => !revoked)
    if (number === this.#told || live.length === 0 || peers.lateFor(bundle).length > 0) return
    this.#told = number
    const last = live.reduce((latest, { acknowledged }) => Math.max(latest, acknowledged?.at ?? 0), 0)
    const detail = { number, peers: live.length, after: Math.max(0, last - bundle.issuedAt) }
    report({ kind: 'bundle-enforced', subject: 'mesh', at: last, detail })
  }
}
