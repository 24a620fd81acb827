import { AuthorityError } from '../error.ts'
import type { AuthorityEvent } from '../events/event.ts'
import type { Reader, Store } from '../store/contract.ts'

/** Where a halt is put on record: an `Engine`. */
interface Recording {
  readonly store: Pick<Store, 'mesh' | 'write'>
  readonly clock: () => number
  readonly report: (event: AuthorityEvent) => void
  readonly actor: string
}

/**
 * That nothing is signed, until somebody has looked: see `mtls restore --continue`. What shows that this inventory is not the
 * newest counts at once, and also where it can't be put on record yet.
 */
export class Halt {
  #evidence: string | undefined
  #recording: Promise<void> | undefined
  #told: string | undefined

  /** What was shown and is not on record; undefined where nothing is. */
  get unrecorded(): string | undefined {
    return this.#evidence
  }

  /** Fulfilled when it is on record, or could not be put there, which is told. */
  begin(engine: Recording, evidence: string): Promise<void> {
    if (haltEvidence({ store: engine.store, halting: this }) !== undefined) return Promise.resolve()
    this.#evidence = evidence
    return this.record(engine)
  }

  /** Puts on record what is not. Never rejects: it is tried again before the next deed. */
  async record(engine: Recording): Promise<void> {
    if (this.#evidence === undefined) return
    this.#recording ??= this.#record(engine, this.#evidence).finally(() => {
      this.#recording = undefined
    })
    await this.#recording
  }

  /** Somebody has looked. */
  lift(): void {
    this.#evidence = undefined
  }

  async #record({ store, clock, report, actor }: Recording, evidence: string): Promise<void> {
    try {
      await store.write((transaction) => {
        if (transaction.mesh()?.halted !== undefined) return
        transaction.changeMesh({ halted: evidence })
        transaction.addAudit({ at: clock(), actor, deed: 'halted', entry: { evidence } })
      })
    } catch (failure) {
      const error = `nothing is signed, for ${evidence}, and that can't be put on record: ${(failure as Error).message}`
      if (error === this.#told) return
      this.#told = error
      report({ kind: 'store-failed', subject: 'mesh', at: clock(), detail: { error } })
      return
    }
    this.#evidence = undefined
    this.#told = undefined
    report({ kind: 'halted', subject: 'mesh', at: clock(), detail: { evidence } })
  }
}

/** Where it is known whether anything may be signed: an `Engine`. */
interface Halting {
  readonly store: Pick<Reader, 'mesh'>
  readonly halting: Pick<Halt, 'unrecorded'>
}

/** What shows that this inventory is not the newest of its mesh, on record or not yet. */
export function haltEvidence({ store, halting }: Halting): string | undefined {
  return store.mesh()?.halted ?? halting.unrecorded
}

/**
 * For whatever began before there was evidence: asked before each signature, and before what was signed is published.
 *
 * @throws AuthorityError `INVENTORY_OUTDATED`
 */
export function checkHalt(engine: Halting): void {
  const evidence = haltEvidence(engine)
  if (evidence !== undefined) throw inventoryOutdated(evidence)
}

export function inventoryOutdated(evidence: string): AuthorityError {
  return new AuthorityError(
    'INVENTORY_OUTDATED',
    `${evidence}: this state folder is not the newest of its mesh, and going on would use numbers twice; allowed: the newest one. Put it back, or, where it is lost, go on from here with \`mtls restore --continue\``,
    { data: { evidence } },
  )
}
