import { hash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyAudit } from '../packages/authority/audit/verify-audit.ts'
import { SqliteStore } from '../packages/authority/store/sqlite.ts'
import { cpuOf, inTurns, measured, ratio } from './measure.ts'
import { factor, number, printRows } from './table.ts'

/**
 * The audit of a mesh that has issued a million certificates, checked as `mtls audit verify` does, against the SHA-256 that it
 * can't do without: one of each entry, and one of each node of the tree.
 *
 *     node bench/audit.ts
 */
const ENTRIES = 1_000_000
const ROUNDS = 5

const folder = mkdtempSync(join(tmpdir(), 'bench-audit-'))
const store = SqliteStore.open({ file: join(folder, 'authority', 'inventory.db') })

function add(from: number, count: number): Promise<void> {
  return store.write((transaction) => {
    for (let serial = from; serial < from + count; serial++) {
      const text = serial.toString(16).padStart(32, '0')
      const entry = {
        ...{ serial: text, profile: 'leaf', instance: `service-${serial % 10_000}`, slot: 'issuing-ca-1' },
        ...{ spkiHash: text.repeat(2), notAfter: '2027-11-26T00:00:00.000Z' },
      }
      transaction.addAudit({ at: 1_800_000_000_000 + serial, actor: 'up', deed: 'issued', entry })
    }
  })
}

const written = await cpuOf(async () => {
  for (let from = 0; from < ENTRIES; from += 10_000) await add(from, 10_000)
})

const entryText = Buffer.alloc(280, 'x')
const node = Buffer.alloc(65)
const costs = await inTurns(
  {
    verify: (count) => {
      for (let done = 0; done < count; done += ENTRIES) {
        const { entries, faults } = verifyAudit(store)
        if (entries !== ENTRIES || faults.length > 0) throw new Error('the audit is not as it was written')
      }
    },
    sha256: (count) => {
      for (let done = 0; done < count; done++) {
        hash('sha256', entryText, 'latin1')
        hash('sha256', node, 'latin1')
      }
    },
  },
  ENTRIES,
  ROUNDS,
)
store.close()
rmSync(folder, { recursive: true })

const verify = measured(costs.verify)
const sha256 = measured(costs.sha256)
const seconds = (micros: number) => `${((micros * ENTRIES) / 1e6).toFixed(2)} s`
printRows([
  {
    what: `${number(ENTRIES)} audit entries checked: every hash, number and root`,
    found: `${seconds(verify.median)} (${seconds(verify.low)} to ${seconds(verify.high)})`,
    limit: `${seconds(sha256.median)} (${seconds(sha256.low)} to ${seconds(sha256.high)}), SHA-256 of entries and nodes`,
    ratio: factor(ratio(costs.sha256, costs.verify)),
    goal: '≤ 5 s',
    met: verify.median * ENTRIES <= 5e6,
  },
  { what: 'an audit entry recorded, 10,000 a commit', found: `${(written / ENTRIES).toFixed(1)} µs of CPU` },
])
