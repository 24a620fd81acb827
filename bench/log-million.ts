import { hash } from 'node:crypto'
import {
  encodeSct,
  encodeTileLeaf,
  leafIndexExtension,
  logIdOf,
  merkleTreeLeaf,
  parseDataTile,
  precertEntry,
  type Signer,
  sha256,
  withoutPoison,
} from '@datapunk/pki'
import { type Candidate, hashLeaf, Sequencer } from '@datapunk/tlog'
import { DiskStore } from '../packages/log/disk-store.ts'
import { openLogKey } from '../packages/log/log-key.ts'
import { readFolder } from '../packages/log/reading/read-folder.ts'
import { verifyLog } from '../packages/log/reading/verify-log.ts'
import { SqliteLock } from '../packages/log/sqlite-lock.ts'
import { LogMesh } from '../packages/log/testing/log-mesh.ts'
import { cpuOf } from './measure.ts'
import { number, printRows } from './table.ts'

/**
 * A log of a million entries: what its process holds in memory, how soon it is open, and how fast it is held against its
 * checkpoint. To have so many in a minute, they are one precertificate under a million serials, whose signature nobody checks, and
 * all SCTs carry one signature; everything else is as in a log at work.
 *
 *     node --expose-gc bench/log-million.ts [ENTRIES]
 */
const count = Number(process.argv[2] ?? 1_000_000)
const WAITING = 1_000
const MIB = 1024 * 1024

const logMesh = await LogMesh.create()
const made = await logMesh.open()
const { folder, origin } = made
await made.close()
const signer = openLogKey(folder.key)
const log = { spki: signer.spki, origin }
const [precertificate] = await logMesh.precertificates(1)
if (precertificate === undefined) throw new Error('no precertificate')

const before = memory()
const written = await timed(write)
const after = memory()
const opened = await timed(async () => {
  const log = await logMesh.open()
  if (log.checkpoint?.size !== count) throw new Error('not all is logged')
  await log.close()
})
const verified = await timed(() => verifyLog(readFolder(folder.public), log))
const verifying = memory()
const hashed = await timed(async () => {
  const [leaf, node] = [Buffer.alloc(precertificate.certificate.tbs.length + 60), Buffer.alloc(65)]
  for (let done = 0; done < count; done++) {
    hash('sha256', leaf, 'latin1')
    hash('sha256', node, 'latin1')
  }
})
await logMesh.remove()

const what = `log of ${number(count)} entries`
printRows([
  {
    what: `${what}, memory of the process that has written it`,
    found: `${after.now} MiB, ${after.peak} MiB at its peak; ${before.now} MiB before`,
    goal: '≤ 300 MiB',
    met: after.peak <= 300,
  },
  {
    what: `${what}, written, ${number(WAITING)} waiting, SCTs not signed and nothing checked`,
    found: `${number(count / written.seconds)}/s by the clock, ${number(count / written.cpu)}/s a second of CPU`,
  },
  { what: `${what}, opened`, found: `${(opened.seconds * 1000).toFixed(0)} ms by the clock` },
  {
    what: `${what}, verified as \`mtls log verify\` does`,
    found: `${verified.cpu.toFixed(1)} s of CPU, ${verified.seconds.toFixed(1)} s by the clock, ${verifying.now} MiB`,
    limit: `${hashed.cpu.toFixed(1)} s of CPU, SHA-256 of leaves and nodes`,
    ratio: (hashed.cpu / verified.cpu).toFixed(2),
  },
])

async function write(): Promise<void> {
  const lock = new SqliteLock(folder.lock)
  const leavesOf = (records: Uint8Array) =>
    parseDataTile(records).map((leaf) => hashLeaf(merkleTreeLeaf(leaf)))
  const options = { store: new DiskStore(folder.public), lock, clock: () => logMesh.now, origin, signer }
  const sequencer = await Sequencer.open({ ...options, leavesOf })
  const candidateOf = candidates(signer)
  let next = 0
  const lane = async () => {
    while (next < count) await sequencer.add(candidateOf(next++))
  }
  await Promise.all(Array.from({ length: WAITING }, lane))
  lock.close()
}

/** By number: what differs is the serial. */
function candidates({ spki }: Signer): (serial: number) => Candidate {
  const { certificate, der } = precertificate!
  const issuers = [logMesh.mesh.ca.issuing, logMesh.mesh.ca.root]
  const chain = issuers.map(({ der }) => sha256(der))
  const attachments = new Map(
    issuers.map(({ der }, at) => [`issuer/${Buffer.from(chain[at]!).toString('hex')}`, der]),
  )
  const issuerKeyHash = sha256(issuers[0]!.certificate.spki)
  const [logId, signature, serialAt] = [logIdOf(spki), new Uint8Array(71), serialIn(der)]
  return (serial) => {
    const submitted = Buffer.from(der)
    submitted.writeUInt32BE(serial, serialAt)
    const tbsAt = submitted.indexOf(certificate.tbs.subarray(0, 4))
    const tbs = withoutPoison(submitted.subarray(tbsAt, tbsAt + certificate.tbs.length))
    const entry = precertEntry({ tbs, issuerKeyHash })
    return {
      key: hash('sha256', submitted, 'hex'),
      attachments,
      entryAt: async (leafIndex, timestamp) => {
        const placed = { timestamp, entry, leafIndex }
        const extensions = leafIndexExtension(leafIndex)
        return {
          leaf: merkleTreeLeaf(placed),
          record: encodeTileLeaf({ ...placed, precertificate: submitted, chain }),
          receipt: encodeSct({ logId, timestamp, extensions, leafIndex, algorithm: 'ecdsa', signature }),
        }
      },
    }
  }
}

/** Where its last four octets are. */
function serialIn(der: Uint8Array): number {
  const serial = Buffer.from(precertificate!.certificate.serial, 'hex')
  return Buffer.from(der).indexOf(serial) + serial.length - 4
}

/** Mebibytes. */
function memory(): { readonly now: number; readonly peak: number } {
  globalThis.gc?.()
  const { rss } = process.memoryUsage()
  const { maxRSS } = process.resourceUsage()
  return { now: Math.round(rss / MIB), peak: Math.round(maxRSS / 1024) }
}

async function timed(
  act: () => Promise<unknown>,
): Promise<{ readonly seconds: number; readonly cpu: number }> {
  const begun = performance.now()
  const cpu = (await cpuOf(act)) / 1e6
  return { seconds: (performance.now() - begun) / 1000, cpu }
}
