import { parseCertificate } from '@datapunk/pki'
import type { ApplyReport } from '../packages/authority/applying/apply.ts'
import type { RollWait } from '../packages/authority/planning/roll-step.ts'
import { remembering } from '../packages/protocol/remembering.ts'
import type { ReaderInvariants } from './reader-invariants.ts'
import type { SimulatedAuthority } from './simulated-authority.ts'
import { ago, RECOVERY, type Violated } from './violation.ts'

const DAY = 24 * 60 * 60 * 1000

const endOf = remembering((der) => parseCertificate(der).notAfter)

export interface RollWatched {
  readonly now: () => number
  readonly authority: SimulatedAuthority
  readonly readers: ReaderInvariants
  readonly violated: Violated
}

/**
 * 6. no roll-over stands still for ever, but for somebody whom nobody can wait for less long; and then it names him. Whatever
 *    has ended meanwhile, an authority that can work has an issuing CA that has not.
 */
export class RollInvariants {
  readonly #watched: RollWatched
  /** When each slot was last held up by somebody who was named. */
  readonly #heldUp = new Map<string, number>()

  constructor(watched: RollWatched) {
    this.#watched = watched
  }

  /** After a look that went well. @param healthySince since when the authority has been able to work */
  looked({ waits }: ApplyReport, healthySince: number): void {
    const { authority, now, violated } = this.#watched
    if (now() - healthySince > RECOVERY && !this.#canIssue())
      violated(`could work for ${ago(now() - healthySince)}, and no issuing CA is active that has not ended`)
    const life = authority.config.authority.bundleDays * DAY
    for (const { id, state, since, kind } of authority.store.slots()) {
      const isOpen = state === 'prepared' || (state === 'retiring' && kind !== 'root' && kind !== 'log')
      if (!isOpen) continue
      const limit = state === 'prepared' ? 2 * life + DAY : 4 * life + 2 * DAY
      const own = waits.filter(({ slot, stage }) => slot === id || stage === 'distribute')
      if (this.#watched.readers.isHeldUp(own, limit) || this.#waitsForCsr(own)) this.#heldUp.set(id, now())
      const from = Math.max(since, healthySince, this.#heldUp.get(id) ?? 0)
      if (now() - from > limit)
        violated(`${id} has been ${state} since ${ago(now() - since)}: ${JSON.stringify(waits)}`)
    }
  }

  #canIssue(): boolean {
    const { authority, now } = this.#watched
    return authority.store
      .slots()
      .some(
        ({ kind, state, certificate }) =>
          kind === 'issuing-ca' &&
          state === 'active' &&
          certificate !== undefined &&
          endOf(certificate) > now(),
      )
  }

  /** Whoever has a key elsewhere is waited for until it asks, or its certificate has ended. */
  #waitsForCsr(waits: readonly RollWait[]): boolean {
    const late = new Set(waits.flatMap((wait) => wait.late.map(({ instance }) => instance)))
    if (late.size === 0) return false
    const { store } = this.#watched.authority
    return store.instances().some(({ id, place }) => place === 'elsewhere' && late.has(id))
  }
}
