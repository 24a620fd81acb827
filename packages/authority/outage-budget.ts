import type { Engine } from './engine.ts'
import type { Reader } from './store/contract.ts'

/** How long the mesh goes on if the authority does nothing from now on. */
export interface OutageBudget {
  /** When it ends, milliseconds since the epoch. */
  readonly until: number
  /** What ends it: the bundle, for every service at once, or the certificate of one instance. */
  readonly endedBy: { readonly kind: 'bundle' | 'certificate'; readonly subject: string }
}

/** @returns undefined where nothing was published yet */
export function outageBudgetOf(store: Reader): OutageBudget | undefined {
  const bundle = store.bundle()
  if (bundle === undefined) return undefined
  const subject = `${bundle.generation}.${bundle.counter}`
  let budget: OutageBudget = { until: bundle.expiresAt, endedBy: { kind: 'bundle', subject } }
  const members = new Set(store.services().flatMap((row) => (row.state === 'member' ? [row.service] : [])))
  const services = new Map(store.instances().map(({ id, service }) => [id, service]))
  for (const { instance = '', notAfter } of store.currentCertificates()) {
    if (notAfter >= budget.until || !members.has(services.get(instance) ?? '')) continue
    budget = { until: notAfter, endedBy: { kind: 'certificate', subject: instance } }
  }
  return budget
}

const DAY = 24 * 60 * 60 * 1000

/** Tells, once for each end, when less than half of a bundle's life is left: something keeps the authority from its work. */
export class OutageWatch {
  #told = Number.NEGATIVE_INFINITY

  look({ store, config, clock, report }: Pick<Engine, 'store' | 'config' | 'clock' | 'report'>): void {
    const budget = outageBudgetOf(store)
    const at = clock()
    if (budget === undefined || budget.until === this.#told) return
    if (budget.until - at >= (config.authority.bundleDays * DAY) / 2) return
    this.#told = budget.until
    const { kind, subject } = budget.endedBy
    const detail = { endedBy: `${kind} ${subject}`, until: new Date(budget.until).toISOString() }
    report({ kind: 'outage-budget', subject: kind === 'bundle' ? 'mesh' : subject, at, detail })
  }
}
