import { readTrustStatement } from '@datapunk/protocol'
import type { AuthorityEvent } from '../packages/authority/events/event.ts'
import type { SlotRow } from '../packages/authority/store/rows.ts'
import { type Camp, keysOf } from './camps.ts'
import type { SimulatedAuthority } from './simulated-authority.ts'
import type { SimulatedPeer } from './simulated-peer.ts'
import { ago, RECOVERY, type Violated } from './violation.ts'

const DAY = 24 * 60 * 60 * 1000

export interface KeyWatched {
  readonly authority: SimulatedAuthority
  readonly violated: Violated
  /** Since when a peer could be reached by an authority that can work, and something has happened. */
  readonly reachedSince: (peer: SimulatedPeer, happened: number) => number
}

/**
 * 5. nothing is trusted that was retired;
 * 8. a stolen key is trusted by nobody who can be reached.
 */
export class KeyInvariants {
  readonly #watched: KeyWatched
  /** When each key was retired, by its hash. */
  readonly #retired = new Map<string, number>()
  /** When each stolen key was known to be stolen, by its hash. */
  readonly #stolen = new Map<string, number>()

  constructor(watched: KeyWatched) {
    this.#watched = watched
  }

  /** Milliseconds since the epoch; minus infinity when there was none. */
  get lastTheft(): number {
    return Math.max(...this.#stolen.values())
  }

  event({ kind, detail, at }: AuthorityEvent): void {
    if (kind !== 'key-retired' && kind !== 'key-compromised') return
    const slot = this.#slots().find(({ id }) => id === detail.slot)
    const out = kind === 'key-retired' ? this.#retired : this.#stolen
    out.set(slot!.spkiHash, at)
  }

  published(): void {
    // Whoever died over it had no time to tell.
    for (const { state, spkiHash, since } of this.#slots())
      if (state === 'compromised' && !this.#stolen.has(spkiHash)) this.#stolen.set(spkiHash, since)
  }

  /** What was retired, or stolen, since an inventory that was put back is on no record that is left: its operator says it again. */
  forgotten(): void {
    for (const { spkiHash, state } of this.#slots()) {
      if (isOut(state)) continue
      this.#stolen.delete(spkiHash)
      this.#retired.delete(spkiHash)
    }
  }

  /** 5 After a look that went well: what is out is in no statement any more. */
  looked(): void {
    const { store } = this.#watched.authority
    const newest = store.trustStatements().at(-1)
    const listed = newest === undefined ? [] : keysOf(readTrustStatement(newest.bytes))
    for (const { id, spkiHash, state } of this.#slots())
      if (isOut(state) && listed.includes(spkiHash))
        this.#watched.violated(`${id} is out, and in the newest trust statement`)
  }

  /** What peers of one belief trust. */
  checkCamp({ keys }: Camp, peers: readonly SimulatedPeer[], at: number): void {
    const { bundleDays, clockSkew } = this.#watched.authority.config.authority
    for (const key of keys) {
      // 8
      const stolenAt = this.#stolen.get(key)
      for (const peer of stolenAt === undefined ? [] : peers) {
        if (at - this.#watched.reachedSince(peer, stolenAt!) > RECOVERY)
          this.#watched.violated(`${peer.service} trusts a key that was stolen ${ago(at - stolenAt!)}`, at)
      }
      const retiredAt = this.#retired.get(key)
      // Whoever was not told trusts it until its bundle ends.
      if (retiredAt === undefined || at - retiredAt <= bundleDays * DAY + 2 * clockSkew + RECOVERY) continue
      const names = peers.map(({ service }) => service).join(', ')
      this.#watched.violated(`${names} trust a key that was retired ${ago(at - retiredAt)}`, at)
    }
  }

  #slots(): readonly SlotRow[] {
    return this.#watched.authority.store.slots()
  }
}

function isOut(state: SlotRow['state']): boolean {
  return state === 'retired' || state === 'compromised'
}
