import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Authority } from '@datapunk/authority'
import { logOpener } from '@datapunk/log'
import { parseConfig } from '@datapunk/protocol'
import { measured } from './measure.ts'
import { number, printRows } from './table.ts'

/**
 * Every service of a mesh rotated by `apply`: keys, certificates, records, files written and synced. The limit is what
 * the disk does with a file of the size of a chain, written and synced one after the other; a rotation needs five syncs
 * and is allowed to share them. How long those take is also a matter of the file system under TMPDIR.
 *
 *     node bench/rotate.ts [--bare] [SERVICES]
 *
 * Bare is a mesh without a log and without pins: neither an SCT nor a next key for each.
 */
const { values, positionals } = parseArgs({
  options: { bare: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const count = Number(positionals[0] ?? 10_000)
const DAY = 86_400_000
const folder = mkdtempSync(join(tmpdir(), 'bench-rotate-'))
const services = Object.fromEntries(Array.from({ length: count }, (_, index) => [`s${index}`, {}]))
const certificates = { key_algorithm: 'ecdsa-p256', validity_days: 90 }
const bare = values.bare ? { transparency: 'off', pinning: 'off' } : {}
const text = { authority: { store_ca_keys_in_clear: true }, certificates, ...bare }
const config = parseConfig(JSON.stringify({ ...text, services }), { file: join(folder, 'mtls-config.yaml') })
let now = Date.UTC(2026, 10, 1)
const authority = await Authority.open({
  ...{ config, clock: () => now, randomBytes, environment: {}, pid: process.pid, purpose: 'bench' },
  openLog: logOpener(config, () => now),
})

const limit = measured(Array.from({ length: 101 }, syncedWrite))
const first = await apply()
const nothing = await apply()
now += 80 * DAY
const second = await apply()
now += 80 * DAY
const third = await apply()
// A year after the beginning, the bundle key is changed too.
now += 300 * DAY
const fourth = await apply()
await authority.close()
rmSync(folder, { recursive: true })

const said = ({ seconds, cpu }: typeof first) =>
  `${seconds.toFixed(1)} s by the clock, ${cpu.toFixed(1)} s of CPU`
const goal = (seconds: number) => (count === 10_000 ? { goal: '≤ 8 s', met: seconds <= 8 } : {})
const what = `${number(count)} services (P-256)${values.bare ? ', no log and no pins' : ''}`
const oneByOne = `${((5 * count * limit.median) / 1e6).toFixed(0)} s, were each synced by itself (${limit.median.toFixed(0)} µs each)`
printRows([
  { what: `${what}, first apply`, found: said(first) },
  { what: `${what}, an apply with nothing to do`, found: said(nothing) },
  { what: `${what} rotated`, found: said(second), limit: oneByOne, ...goal(second.seconds) },
  { what: `${what} rotated again, old versions removed`, found: said(third), ...goal(third.seconds) },
  { what: `${what} rotated in the apply that changes the bundle key`, found: said(fourth) },
])

async function apply() {
  const [begun, cpu] = [performance.now(), process.cpuUsage()]
  const { failed } = await authority.apply({ approve: () => true })
  if (failed[0] !== undefined) throw failed[0].error
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - begun) / 1000, cpu: (user + system) / 1e6 }
}

function syncedWrite(): number {
  const begun = performance.now()
  const fd = openSync(join(folder, 'raw'), 'w')
  writeSync(fd, Buffer.alloc(1_600))
  fsyncSync(fd)
  closeSync(fd)
  return (performance.now() - begun) * 1000
}
