import { fork } from 'node:child_process'
import { randomBytes, sign, verify } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Authority } from '@datapunk/authority'
import { logOpener } from '@datapunk/log'
import { type DocumentNumber, parseConfig } from '@datapunk/protocol'
import { TestCa } from '@datapunk/testkit'
import { inTurns, measured } from './measure.ts'
import { number, printRows, shareOf, waitText } from './table.ts'

/**
 * Story 3: from the call of `revoke` to the acknowledgement of each of many connected peers that it enforces it. The peers
 * are two processes beside the authority, as in `peers.ts`; they believe the bundle and say so, and have no connections to cut.
 * The first few of a process are told apart: V8 has not compiled yet what a thousand acknowledgements pass through.
 *
 *     node bench/revoke.ts [PEERS]
 */
const count = Number(process.argv[2] ?? 1000)
const REVOCATIONS = 25
const FIRST = 5
const folder = mkdtempSync(join(tmpdir(), 'bench-revoke-'))
const file = join(folder, 'mtls-config.yaml')
const text = {
  authority: { store_ca_keys_in_clear: true },
  certificates: { key_algorithm: 'ecdsa-p256' },
  services: { lake: {}, stream: {}, nexus: {} },
}
writeFileSync(file, JSON.stringify(text))
const config = parseConfig(readFileSync(file), { file })
const outside = { clock: Date.now, randomBytes, environment: {}, pid: process.pid, purpose: 'bench' }
const authority = await Authority.open({ ...outside, config, openLog: logOpener(config, Date.now) })
await authority.apply({ approve: () => true })
await authority.servePeers()
const fleets = [count - Math.floor(count / 2), Math.floor(count / 2)].map((peers) =>
  fork(fileURLToPath(new URL('peer-fleet.ts', import.meta.url)), [file, String(peers)]),
)
await Promise.all(fleets.map((fleet) => once(fleet, 'message')))

const lags: number[][] = []
for (let n = 0; n < REVOCATIONS; n++) {
  await authority.issue('nexus')
  // Nobody is still busy with the bundle that lets it in again.
  const { bundle: before } = await authority.apply({ approve: () => true })
  const [generation, counter] = before.split('.').map(Number)
  await untilEnforced({ generation: generation!, counter: counter! })
  const begun = Date.now()
  const { bundle } = await authority.revoke({ targets: [{ service: 'nexus' }], reason: 'key-compromise' })
  await untilEnforced(bundle)
  lags.push(authority.peers.live().map(({ acknowledged }) => (acknowledged?.at ?? 0) - begun))
}
for (const fleet of fleets) fleet.kill()
await authority.close()
rmSync(folder, { recursive: true })

const limit = (await signaturesAlone()) * count
printRows([
  {
    what: `a revocation enforced by ${number(count)} peers`,
    found: waitText(lags.slice(FIRST).flat()),
    limit: `${number(limit / 2000)} ms, the signatures alone on two cores`,
    goal: 'p99 ≤ 250 ms',
    met: shareOf(lags.slice(FIRST).flat(), 0.99) <= 250,
  },
  {
    what: `the first ${FIRST} after the start of the authority and of its peers`,
    found: waitText(lags.slice(0, FIRST).flat()),
  },
])

async function untilEnforced(bundle: DocumentNumber): Promise<void> {
  while (authority.peers.live().length < count || authority.peers.lateFor(bundle).length > 0) {
    await new Promise<void>((resolve) => {
      const stop = authority.peers.onChange(() => {
        stop()
        setImmediate(resolve)
      })
    })
  }
}

/** What each peer must cost: the head checked, an acknowledgement signed, and that checked. @returns microseconds of CPU */
async function signaturesAlone(): Promise<number> {
  const { privateKey } = (await TestCa.create()).issuing
  const message = randomBytes(600)
  const signature = sign('sha256', message, privateKey)
  const { alone } = await inTurns(
    {
      alone: (count) => {
        for (let done = 0; done < count; done++) {
          sign('sha256', message, privateKey)
          for (let twice = 0; twice < 2; twice++) verify('sha256', message, privateKey, signature)
        }
      },
    },
    500,
  )
  return measured(alone).median
}
