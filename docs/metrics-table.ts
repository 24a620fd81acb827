import { type Metric, meshMetrics } from '@datapunk/mesh/operator'
import {
  authorityMetrics,
  bundleToEnforced,
  revokeToEnforced,
} from '../packages/cli/operator/authority-metrics.ts'

export interface DocumentedMetric {
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
  /** Who tells it. */
  readonly by: readonly ('authority' | 'service')[]
}

/** Every metric there is, by name. */
export function documentedMetrics(): readonly DocumentedMetric[] {
  const described = ({ name, type, labels = [], help }: Metric<never>) => ({ name, type, labels, help })
  const ofAuthority = [
    ...authorityMetrics.map(described),
    ...[bundleToEnforced, revokeToEnforced].map(({ name, help }) => ({
      ...{ name, type: 'histogram' as const, labels: [], help },
    })),
  ].map((one) => ({ ...one, by: 'authority' as const }))
  const ofService = meshMetrics.map((one) => ({ ...described(one), by: 'service' as const }))
  return [...Map.groupBy([...ofAuthority, ...ofService], ({ name }) => name).values()]
    .map((same) => ({ ...same[0]!, by: same.map(({ by }) => by) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The table of docs/metrics.md. */
export function metricsTable(): string {
  const rows = documentedMetrics().map(({ name, type, labels, help, by }) => {
    const labelled = labels.map((label) => `\`${label}\``).join(', ')
    return `| \`${name}\` | ${type} | ${labelled} | ${by.join(', ')} | ${help} |`
  })
  return [
    '| name | type | labels | told by | what it says |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}
