import type { Engine } from '../engine.ts'
import { listedCas } from '../revocation/listed-cas.ts'
import { termsOfServices } from '../services/terms.ts'
import type { Reader } from '../store/contract.ts'
import type { TermRow } from '../store/rows.ts'

/** How long the mesh goes on if the authority does nothing from now on. */
export interface OutageBudget {
  /** When it ends, milliseconds since the epoch. */
  readonly until: number
  /**
   * What ends it: the bundle, for every service at once; the certificate of one instance; or, where somebody goes by files, the
   * revocation list of a CA.
   */
  readonly endedBy: { readonly kind: 'bundle' | 'certificate' | 'list'; readonly subject: string }
}

/** @returns undefined where nothing was published yet */
export function outageBudgetOf(
  { store, config, clock }: { readonly store: Reader } & Pick<Engine, 'config' | 'clock'>,
  terms: readonly TermRow[] = termsOfServices(store, clock()),
): OutageBudget | undefined {
  const bundle = store.bundle()
  if (bundle === undefined) return undefined
  const subject = `${bundle.generation}.${bundle.counter}`
  let budget: OutageBudget = { until: bundle.expiresAt, endedBy: { kind: 'bundle', subject } }
  for (const { instance, notAfter } of terms) {
    if (notAfter >= budget.until) continue
    budget = { until: notAfter, endedBy: { kind: 'certificate', subject: instance } }
  }
  // A peer goes by the bundle; a server that has read a list refuses everybody when that ends.
  const readsLists = [...config.services.values()].some(
    ({ reload, delivery }) => reload || delivery === 'files',
  )
  for (const { slot, list } of readsLists ? listedCas(store) : []) {
    if (list === undefined || list.nextUpdate >= budget.until) continue
    budget = { until: list.nextUpdate, endedBy: { kind: 'list', subject: slot.id } }
  }
  return budget
}

const DAY = 24 * 60 * 60 * 1000

/** Tells, once for each end, when less than half of a bundle's life is left: something keeps the authority from its work. */
export class OutageWatch {
  #told = Number.NEGATIVE_INFINITY

  look({ store, config, clock, report }: Pick<Engine, 'store' | 'config' | 'clock' | 'report'>): void {
    const budget = outageBudgetOf({ store, config, clock })
    const at = clock()
    if (budget === undefined || budget.until === this.#told) return
    if (budget.until - at >= (config.authority.bundleDays * DAY) / 2) return
    this.#told = budget.until
    const { kind, subject } = budget.endedBy
    const detail = { endedBy: `${kind} ${subject}`, until: new Date(budget.until).toISOString() }
    report({ kind: 'outage-budget', subject: kind === 'certificate' ? subject : 'mesh', at, detail })
  }
}
