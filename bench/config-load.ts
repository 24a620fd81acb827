import { parseConfig } from '@datapunk/protocol'
import { parse } from 'yaml'
import { cpuOf, measured } from './measure.ts'
import { printRows, type Row } from './table.ts'

/**
 * The time to read a config file of many services, with every check; the limit is `yaml` alone.
 *
 *     node bench/config-load.ts
 */
const ROUNDS_OF = { 10000: 7, 100000: 3 } as const
const GOAL_OF = { 10000: 1, 100000: 6 } as const
const rows: Row[] = []
for (const count of [10_000, 100_000] as const) {
  const text = configOf(count)
  const [ours, limit]: number[][] = [[], []]
  for (let round = 0; round < ROUNDS_OF[count]; round++) {
    ours!.push((await cpuOf(() => parseConfig(text, { file: '/etc/datapunk/mtls-config.yaml' }))) / 1e6)
    if (round === 0) limit!.push((await cpuOf(() => parse(text, { uniqueKeys: false }))) / 1e6)
  }
  const { median, low, high } = measured(ours!)
  rows.push({
    what: `config of ${count.toLocaleString('en')} services`,
    found: `${median.toFixed(2)} s of CPU (${low.toFixed(2)} to ${high.toFixed(2)})`,
    limit: `${limit![0]!.toFixed(2)} s the yaml library alone`,
    ratio: (limit![0]! / median).toFixed(2),
    goal: `≤ ${GOAL_OF[count]} s`,
    met: median <= GOAL_OF[count],
  })
}
printRows(rows)

/** As people write it: block style, a few settings each. */
function configOf(count: number): string {
  const services = Array.from(
    { length: count },
    (_, index) => `  s${index}:\n    allow: [s${(index + 1) % count}]\n    address: "10.0.0.1:8443"\n`,
  )
  return `trust_domain: service.datapunk\ncertificates:\n  key_algorithm: ecdsa-p256\nservices:\n${services.join('')}`
}
