import { Counter, Gauge, Registry } from 'prom-client'

/** One name, one meaning, one unit. What it says is computed when it is asked for. */
export interface Metric<Facts> {
  /** As Prometheus wants it: the unit at its end, of a counter `_total`. */
  readonly name: string
  readonly type: 'gauge' | 'counter'
  /** What it says, for people. */
  readonly help: string
  /** Each has few values, however large the mesh is. */
  readonly labels?: readonly string[]
  readonly samples: (facts: Facts) => Iterable<Sample>
}

export type Sample = readonly [value: number, labels?: Readonly<Record<string, string>>]

/** A registry of these metrics. @param look taken once for each time that they are asked for */
export function registryOf<Facts>(metrics: readonly Metric<Facts>[], look: () => Facts): Registry {
  const registry = new Registry()
  const facts = oncePerTurn(look)
  for (const { name, type, help, labels = [], samples } of metrics) {
    const options = { name, help, labelNames: [...labels], registers: [registry] }
    if (type === 'gauge') {
      new Gauge({
        ...options,
        collect() {
          forget(this, labels)
          for (const [value, of = {}] of samples(facts())) this.set(of, value)
        },
      })
    } else {
      new Counter({
        ...options,
        collect() {
          forget(this, labels)
          for (const [value, of = {}] of samples(facts())) this.inc(of, value)
        },
      })
    }
  }
  return registry
}

/** What is not known is left out: prom-client would begin metrics without labels at 0. */
function forget(metric: Gauge | Counter, labels: readonly string[]): void {
  if (labels.length === 0) metric.remove()
  else metric.reset()
}

/** All metrics of one scrape tell of one moment: they are collected in one turn of the event loop. */
function oncePerTurn<Facts>(look: () => Facts): () => Facts {
  let seen: { readonly facts: Facts } | undefined
  return () => {
    if (seen === undefined) {
      seen = { facts: look() }
      setImmediate(() => {
        seen = undefined
      })
    }
    return seen.facts
  }
}

/** A sample for each of what was counted. */
export function* byLabel(
  label: string,
  counts: Readonly<Partial<Record<string, number>>>,
  others: Readonly<Record<string, string>> = {},
): Iterable<Sample> {
  for (const [value, count = 0] of Object.entries(counts)) yield [count, { ...others, [label]: value }]
}
