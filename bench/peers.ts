import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Authority } from '@datapunk/authority'
import { logOpener } from '@datapunk/log'
import { parseConfig } from '@datapunk/protocol'
import { number, printRows, shareOf, waitText } from './table.ts'

/**
 * Peers connected to one authority: how much memory it needs for them, and how soon all of them enforce a new bundle. The
 * peers are two processes beside it, so that three share this machine's cores; what they do with a bundle is what the
 * library does with one that comes over the stream: signatures, numbers, sections as differences, a signed acknowledgement.
 * The first few of a process are told apart: V8 has not compiled yet what a thousand acknowledgements pass through.
 *
 *     node bench/peers.ts [PEERS [BUNDLES]]
 */
const count = Number(process.argv[2] ?? 1000)
const bundles = Number(process.argv[3] ?? 25)
const FIRST = 5
const folder = mkdtempSync(join(tmpdir(), 'bench-peers-'))
const file = join(folder, 'mtls-config.yaml')
const text = {
  authority: { store_ca_keys_in_clear: true },
  certificates: { key_algorithm: 'ecdsa-p256' },
}
const write = (port: number) => {
  const services = { lake: { address: `10.0.0.1:${port}` }, stream: {}, nexus: {} }
  writeFileSync(file, JSON.stringify({ ...text, services }))
}
const config = () => parseConfig(readFileSync(file), { file })

write(1)
const options = { clock: Date.now, randomBytes, environment: {}, pid: process.pid, purpose: 'bench' }
const authority = await Authority.open({
  ...{ ...options, config: config(), openLog: logOpener(config(), Date.now) },
})
await authority.apply({ approve: () => true })
await authority.servePeers()
const rssOf = () => {
  globalThis.gc?.()
  return process.memoryUsage().rss / 2 ** 20
}
const before = rssOf()
const fleets = [count - Math.floor(count / 2), Math.floor(count / 2)].map((peers) =>
  fork(fileURLToPath(new URL('peer-fleet.ts', import.meta.url)), [file, String(peers)]),
)
await Promise.all(fleets.map((fleet) => once(fleet, 'message')))
await applied()
const connected = rssOf()

const lags: number[][] = []
for (let n = 2; n <= bundles + 1; n++) {
  write(n)
  authority.configure(config())
  const begun = Date.now()
  await applied()
  lags.push(authority.peers.live().map(({ acknowledged }) => (acknowledged?.at ?? 0) - begun))
}
const after = rssOf()
for (const fleet of fleets) fleet.kill()
await authority.close()
rmSync(folder, { recursive: true })

const later = lags.slice(FIRST).flat()
const what = `${number(count)} peers`
printRows([
  {
    what: `${what}, memory of the authority after ${bundles} bundles`,
    found: `${after.toFixed(0)} MiB (${connected.toFixed(0)} MiB when all had come, ${before.toFixed(0)} MiB before)`,
    goal: '≤ 200 MiB',
    met: after <= 200,
  },
  {
    what: `${what}, from the change to a new bundle enforced by a peer`,
    found: waitText(later),
    goal: 'p99 ≤ 250 ms',
    met: shareOf(later, 0.99) <= 250,
  },
  {
    what: `the first ${FIRST} after the start of the authority and of its peers`,
    found: waitText(lags.slice(0, FIRST).flat()),
  },
])

/** Until every peer enforces what an apply publishes last. */
async function applied(): Promise<void> {
  const { bundle: published } = await authority.apply({ approve: () => true })
  const [generation, counter] = published.split('.').map(Number)
  const bundle = { generation: generation!, counter: counter! }
  while (authority.peers.live().length < count || authority.peers.lateFor(bundle).length > 0) {
    await new Promise<void>((resolve) => {
      const stop = authority.peers.onChange(() => {
        stop()
        setImmediate(resolve)
      })
    })
  }
}
