import { hash, randomBytes } from 'node:crypto'
import {
  encodeSct,
  encodeTileLeaf,
  merkleTreeLeaf,
  parseDataTile,
  precertEntry,
  type Signer,
  sha256,
  signSct,
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
import { number, printRows, type Row } from './table.ts'

/**
 * A log of a million entries: what memory it takes to write them and to go on from there, how long it is opened, and how long all
 * of it is verified, against the SHA-256 of its leaves and nodes. Entries are certificates that differ in their serials; only their
 * SCTs are not signed, which leaves out what the log is measured for in `log.ts`. Checkpoints are.
 *
 *     node --max-semi-space-size=8 bench/log-million.ts [ENTRIES]
 */
const entries = Number(process.argv[2] ?? 1_000_000)
const A_ROUND = 1_000
const MIB = 1024 * 1024

const logMesh = await LogMesh.create()
const made = await logMesh.open()
const { folder, origin } = made
await made.close()
const unsigned: Signer = { ...(await openLogKey(folder.key)), sign: async () => randomBytes(71) }
const submitted = await precertificateFactory()

const before = process.memoryUsage.rss()
const written = await write()
const peak = process.resourceUsage().maxRSS / 1024
const opened = await open()
const verified = await verify()
await logMesh.remove()
printRows([...written, opened, ...verified])

async function write(): Promise<Row[]> {
  const lock = new SqliteLock(folder.lock)
  const sequencer = await Sequencer.open({
    ...{ store: new DiskStore(folder.public), lock, clock: () => logMesh.now, origin },
    ...{ signer: await openLogKey(folder.key), leavesOf },
  })
  const begun = performance.now()
  const cpu = await cpuOf(async () => {
    for (let first = 0; first < entries; first += A_ROUND)
      await Promise.all(Array.from({ length: A_ROUND }, () => sequencer.add(submitted())))
  })
  const seconds = (performance.now() - begun) / 1000
  lock.close()
  return [
    {
      what: `log: ${number(entries)} entries written, SCTs not signed`,
      found: `${number(entries / seconds)}/s by the clock, ${number((entries / cpu) * 1e6)}/s a second of CPU`,
    },
  ]
}

async function open(): Promise<Row> {
  const [one] = await logMesh.precertificates(1)
  const begun = performance.now()
  const log = await logMesh.open()
  const took = performance.now() - begun
  await log.submit(logMesh.chainOf(one!))
  await log.close()
  return {
    what: `log: opened at ${number(entries)} entries`,
    found: `${took.toFixed(0)} ms by the clock; memory of the process ${number(peak)} MiB at its peak until then, ${number(before / MIB)} MiB before the first entry`,
    goal: '≤ 300 MiB',
    met: peak <= 300,
  }
}

async function verify(): Promise<Row[]> {
  const log = { spki: unsigned.spki, origin }
  let size = 0
  const begun = performance.now()
  const cpu = await cpuOf(async () => {
    size = (await verifyLog(readFolder(folder.public), log))!.size
  })
  const seconds = (performance.now() - begun) / 1000
  const { leaf } = await submitted().entryAt(0, logMesh.now)
  const node = randomBytes(65)
  const limit = await cpuOf(() => {
    for (let done = 0; done < size; done++) {
      hash('sha256', leaf)
      hash('sha256', node)
    }
  })
  return [
    {
      what: `log: verified, all of ${number(size)} entries`,
      found: `${seconds.toFixed(1)} s by the clock, ${number((size / cpu) * 1e6)}/s a second of CPU`,
      limit: `${(limit / 1e6).toFixed(1)} s, SHA-256 of leaves and nodes`,
      ratio: (limit / cpu).toFixed(2),
    },
  ]
}

/** Makes a precertificate with another serial at each call, as it would have been checked; the issuer has signed the first. */
async function precertificateFactory(): Promise<() => Candidate> {
  const [one] = await logMesh.precertificates(1)
  const { der, certificate } = one!
  const serialAt = Buffer.from(der).indexOf(Buffer.from(certificate.serial, 'hex'))
  const issuing = logMesh.mesh.ca.issuing.certificate
  const chain = [issuing.der, logMesh.mesh.ca.root.der]
  const fingerprints = chain.map(sha256)
  const issuerKeyHash = sha256(issuing.spki)
  const attachments = new Map(
    chain.map((der, at) => [`issuer/${Buffer.from(fingerprints[at]!).toString('hex')}`, der]),
  )
  const tbsAt = Buffer.from(der).indexOf(certificate.tbs)
  const length = certificate.serial.length / 2
  return () => {
    const precertificate = new Uint8Array(der)
    precertificate.set(randomBytes(length - 1), serialAt + 1)
    const tbs = precertificate.subarray(tbsAt, tbsAt + certificate.tbs.length)
    const entry = precertEntry({ tbs: withoutPoison(tbs), issuerKeyHash })
    return {
      key: hash('sha256', precertificate),
      attachments,
      entryAt: async (leafIndex, timestamp) => {
        const placed = { timestamp, entry, leafIndex }
        const record = encodeTileLeaf({ ...placed, precertificate, chain: fingerprints })
        return { leaf: merkleTreeLeaf(placed), record, receipt: encodeSct(await signSct(placed, unsigned)) }
      },
    }
  }
}

function leavesOf(records: Uint8Array): readonly Uint8Array[] {
  return parseDataTile(records).map((leaf) => hashLeaf(merkleTreeLeaf(leaf)))
}
