import { LogMesh } from '../packages/log/testing/log-mesh.ts'
import { machineCosts } from './machine-limit.ts'
import { cpuOf } from './measure.ts'
import { number, printRows, type Row } from './table.ts'

/**
 * The transparency log alone, in one process: precertificates submitted, checked, signed for, and there for everybody to see.
 * The limit is one thread that only checks a signature and makes one for each, and waits for the disk seven times a round:
 * for what was staged, its folder, the checkpoint's record, the tiles, their folders, the checkpoint, its folder.
 *
 *     node bench/log.ts
 */
const COUNT = 20_000
const SYNCS = 7

const logMesh = await LogMesh.create()
const precertificates = await logMesh.precertificates(COUNT)
const chains = precertificates.map((one) => logMesh.chainOf(one))
const costs = machineCosts(logMesh.mesh.folder)

// So that no row pays for what V8 compiles.
await submitted(64, COUNT)
const few = await submitted(64, COUNT)
const many = await submitted(1_000, COUNT)
printRows([rateRow(64, few), rateRow(1_000, many), await latencyRow(many.rate / 2)])
await logMesh.remove()

interface Found {
  /** Entries a second, by the clock. */
  readonly rate: number
  /** Microseconds for one. */
  readonly cpu: number
}

/** @param waiting as many at a time, of a log that is new */
async function submitted(waiting: number, count: number): Promise<Found> {
  const log = await logMesh.open({ fresh: true })
  let next = 0
  const lane = async () => {
    while (next < count) await log.submit(chains[next++]!)
  }
  const begun = performance.now()
  const cpu = await cpuOf(() => Promise.all(Array.from({ length: waiting }, lane)))
  const rate = (count / (performance.now() - begun)) * 1000
  if (log.checkpoint?.size !== count) throw new Error('not all is logged')
  await log.close()
  return { rate, cpu: cpu / count }
}

function rateRow(waiting: number, { rate, cpu }: Found): Row {
  const least = costs.sign + costs.verify + (SYNCS * costs.sync) / waiting
  return {
    what: `log alone, ${number(waiting)} submissions waiting: entries checked, signed for, on disk`,
    found: `${number(rate)}/s by the clock, ${number(1e6 / cpu)}/s a second of CPU`,
    limit: `${number(1e6 / least)}/s, sign + verify each, ${SYNCS} syncs a round`,
    ratio: ((rate * least) / 1e6).toFixed(2),
    goal: '≥ 5,000/s',
    met: rate >= 5_000,
  }
}

/** Each is submitted when its time has come, however many wait; what it takes is counted from then. */
async function latencyRow(rate: number): Promise<Row> {
  const log = await logMesh.open({ fresh: true })
  const begun = performance.now()
  const dueAt = (index: number) => begun + (index / rate) * 1000
  const latencyOf = async (index: number) => {
    await log.submit(chains[index]!)
    return performance.now() - dueAt(index)
  }
  const latencies: Promise<number>[] = []
  while (latencies.length < COUNT) {
    if (dueAt(latencies.length) <= performance.now()) latencies.push(latencyOf(latencies.length))
    else await new Promise((resolve) => setImmediate(resolve))
  }
  const sorted = (await Promise.all(latencies)).sort((a, b) => a - b)
  await log.close()
  const [p50, p99] = [0.5, 0.99].map((share) => sorted[Math.floor(share * sorted.length)]!) as [
    number,
    number,
  ]
  return {
    what: `the same at ${number(rate)} submissions a second, from submission to SCT`,
    found: `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`,
    limit: `${((SYNCS * costs.sync) / 1000).toFixed(1)} ms, the syncs of a round`,
    goal: 'p99 ≤ 200 ms',
    met: p99 <= 200,
  }
}
