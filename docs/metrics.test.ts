import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { meshMetrics } from '@datapunk/mesh/operator'
import { authorityMetrics } from '../packages/cli/operator/authority-metrics.ts'
import { documentedMetrics, metricsTable } from './metrics-table.ts'

const deploy = new URL('../deploy/', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, deploy), 'utf8')

/** The names of metrics in a text, those of a histogram's parts as the histogram's. */
function metricsIn(text: string): Set<string> {
  const parts = /_(?:bucket|sum|count)$/
  return new Set((text.match(/\bmtls_[a-z_]+/g) ?? []).map((name) => name.replace(parts, '')))
}

test('metrics.md is what the code says', () => {
  const page = readFileSync(new URL('metrics.md', import.meta.url), 'utf8')
  assert.ok(page.includes(metricsTable()), `docs/metrics.md needs this table:\n${metricsTable()}`)
})

test('one name has one meaning, whoever tells it', () => {
  const kept = ({ type, help, labels }: { type: string; help: string; labels?: readonly string[] }) => ({
    type,
    help,
    labels,
  })
  const byName = new Map(authorityMetrics.map((one) => [one.name, one]))
  for (const metric of meshMetrics) {
    const other = byName.get(metric.name)
    if (other !== undefined) assert.deepEqual(kept(metric), kept(other), metric.name)
  }
})

test('every label has few values, whatever the mesh: nothing is told of each peer or certificate', () => {
  const labels = new Set(documentedMetrics().flatMap((one) => one.labels))
  assert.deepEqual([...labels].sort(), ['code', 'for', 'kind', 'log', 'result', 'rule', 'service', 'what'])
  const named = documentedMetrics().filter((one) => one.labels.includes('service'))
  assert.deepEqual(
    named.map(({ name }) => name),
    ['mtls_service_certificate_expiry_seconds'],
  )
})

test('alerts, their tests and the dashboards know only metrics that there are', () => {
  const names = new Set(documentedMetrics().map(({ name }) => name))
  const dashboards = readdirSync(new URL('grafana/', deploy)).map((file) => `grafana/${file}`)
  for (const file of ['prometheus/alerts.yml', 'prometheus/alerts.test.yml', ...dashboards]) {
    const used = metricsIn(read(file))
    assert.ok(used.size > 0, file)
    assert.deepEqual(
      [...used].filter((name) => !names.has(name)),
      [],
      file,
    )
  }
})

test('each alert has a test in which it fires, and one in which it does not', () => {
  const alerts = [...read('prometheus/alerts.yml').matchAll(/^ *- alert: (\w+)$/gm)].map((one) => one[1]!)
  assert.ok(alerts.length > 0)
  const asked = read('prometheus/alerts.test.yml')
    .split(/^ *- eval_time: /m)
    .slice(1)
  for (const alert of alerts) {
    const own = asked.filter((one) => new RegExp(`alertname: ${alert}$`, 'm').test(one))
    assert.ok(
      own.some((one) => one.includes('exp_labels')),
      `${alert} fires in no test`,
    )
    assert.ok(
      own.some((one) => one.includes('exp_alerts: []')),
      `${alert} is quiet in no test`,
    )
  }
})

test('every alert says how bad it is, what is wrong, and what mends it', () => {
  for (const rule of read('prometheus/alerts.yml')
    .split(/^ *- alert: /m)
    .slice(1)) {
    const name = rule.split('\n', 1)[0] ?? ''
    assert.match(rule, /severity: (?:warning|critical)$/m, name)
    assert.match(rule, /summary: ./, name)
    assert.match(rule, /description: [\s\S]*`mtls |description: [\s\S]*docs\//, name)
  }
})
