import { leastOf, leastOfBundle } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { listedCas } from '../revoked/listed-cas.ts'
import { RENEWED_AT } from '../revoked/lists.ts'
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
  /** How long, milliseconds, it is at worst where all is well: just before what ends first is renewed. */
  readonly expected: number
}

/** @returns undefined where nothing was published yet */
export function outageBudgetOf(
  { store, config, clock }: { readonly store: Reader } & Pick<Engine, 'config' | 'clock'>,
  terms: readonly TermRow[] = termsOfServices(store, clock()),
): OutageBudget | undefined {
  const bundle = store.bundle()
  if (bundle === undefined) return undefined
  const subject = `${bundle.generation}.${bundle.counter}`
  let until = bundle.expiresAt
  let endedBy: OutageBudget['endedBy'] = { kind: 'bundle', subject }
  let expected = leastOfBundle({ begins: bundle.issuedAt, ends: bundle.expiresAt })
  for (const { service, instance, notBefore, notAfter } of terms) {
    const renewAt = config.services.get(service)?.renewAt ?? config.rotation.renewAt
    expected = Math.min(expected, leastOf({ begins: notBefore, ends: notAfter }, renewAt))
    if (notAfter >= until) continue
    until = notAfter
    endedBy = { kind: 'certificate', subject: instance }
  }
  // A peer goes by the bundle; a server that has read a list refuses everybody when that ends.
  const readsLists = [...config.services.values()].some(
    ({ reload, delivery }) => reload || delivery === 'files',
  )
  for (const { slot, list } of readsLists ? listedCas(store) : []) {
    if (list === undefined) continue
    expected = Math.min(expected, leastOf({ begins: list.thisUpdate, ends: list.nextUpdate }, RENEWED_AT))
    if (list.nextUpdate >= until) continue
    until = list.nextUpdate
    endedBy = { kind: 'list', subject: slot.id }
  }
  return { until, endedBy, expected }
}

/** Tells, once for each end, when less than half is left of what is left at worst where all is well: something keeps the authority from its work. */
export class OutageWatch {
  #told = Number.NEGATIVE_INFINITY

  look({ store, config, clock, report }: Pick<Engine, 'store' | 'config' | 'clock' | 'report'>): void {
    const budget = outageBudgetOf({ store, config, clock })
    const at = clock()
    if (budget === undefined || budget.until === this.#told) return
    if (budget.until - at >= budget.expected / 2) return
    this.#told = budget.until
    const { kind, subject } = budget.endedBy
    const detail = { endedBy: `${kind} ${subject}`, until: new Date(budget.until).toISOString() }
    report({ kind: 'outage-budget', subject: kind === 'certificate' ? subject : 'mesh', at, detail })
  }
}
