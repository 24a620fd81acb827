import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { compareDocumentNumbers, readBundleHead, type SignedTrustStatement } from '@datapunk/protocol'
import { FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { takeInventory } from '../inventory/take-inventory.ts'
import { DRAIN_TIME } from '../planning/lifetimes.ts'
import { plan } from '../planning/plan.ts'
import { suspendPins } from '../publishing/suspend-pins.ts'
import { revoke } from '../revocation/revoke.ts'
import { type RotateRequest, rotate } from '../rotation/rotate.ts'
import { MemoryStore } from '../store/memory.ts'
import { checkPair, readAsPeer } from '../testing/peer-eyes.ts'
import { Plug, testEngine } from '../testing/test-engine.ts'

const yes = { approve: () => true }
const config = { services: { lake: {}, stream: {} } }

/** What the disk does at one step of the deed. */
const faults = {
  killed: (plug: Plug, at: number) => plug.pullAt(at),
  'disk full': (plug: Plug, at: number) => plug.failAt(at, 'ENOSPC'),
  'fails, and is applied': (plug: Plug, at: number) => plug.failAppliedAt(at, 'EIO'),
}

interface Deed {
  readonly what: string
  readonly act: (engine: Engine) => Promise<unknown>
  readonly prepare?: (engine: Engine) => Promise<unknown>
  /** Whether the pairs from before it have to serve on: in an emergency they must not. */
  readonly serves: boolean
}

const asked = (request: RotateRequest) => (engine: Engine) => rotate(engine, request)
const rotateLake = asked({ what: 'pairs', service: 'lake' })
const stolen = { targets: [{ service: 'lake' }], reason: 'key-compromise', reissue: true } as const

const deeds: readonly Deed[] = [
  { what: 'rotating a leaf', act: rotateLake, serves: true },
  {
    what: 'putting a pair back',
    prepare: rotateLake,
    act: asked({ what: 'back', service: 'lake' }),
    serves: true,
  },
  { what: 'rolling the issuing CA', act: asked({ what: 'issuing-ca', without: [] }), serves: true },
  { what: 'rolling the bundle key', act: asked({ what: 'bundle-key', without: [] }), serves: true },
  { what: 'rolling the root', act: asked({ what: 'root', without: [] }), serves: true },
  { what: 'a stolen issuing key', act: asked({ what: 'compromised', kind: 'issuing-ca' }), serves: false },
  { what: 'a stolen root key', act: asked({ what: 'compromised', kind: 'root' }), serves: false },
  { what: 'a stolen key of a service', act: (engine) => revoke(engine, stolen), serves: false },
  { what: 'suspending pins', act: (engine) => suspendPins(engine, 24 * 60 * 60 * 1000), serves: true },
]

/** Every step would take minutes: each run takes others of them. `CRASH_STRIDE=1` takes all. */
const STRIDE = Number(process.env.CRASH_STRIDE ?? 41)

describe('whatever step of it fails, the mesh serves on, and `up` finishes the job', () => {
  for (const deed of deeds) {
    for (const [fault, arm] of Object.entries(faults)) {
      test(`${deed.what}: ${fault}`, async (t) => {
        let at = 1 + (process.pid % STRIDE)
        while (await crashAt(at, deed, arm)) at += STRIDE
        t.diagnostic(`${at} steps`)
        assert.ok(at > 10, `only ${at} steps were seen`)
      })
    }
  }
})

async function crashAt(
  at: number,
  { prepare, act, serves }: Deed,
  arm: (plug: Plug, at: number) => void,
): Promise<boolean> {
  const dir = mkdtempSync(join(tmpdir(), 'crash-'))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  const plug = new Plug()
  const store = new MemoryStore({ commit: () => plug.commit() })
  const engine = testEngine({ dir, store, plug, clock, config })
  await apply(engine, yes)
  await prepare?.(engine)
  const before = readAsPeer(engine)

  arm(plug, at)
  await act(engine).catch(() => {})
  const reached = plug.steps >= at
  plug.reset()
  if (serves) for (const service of ['lake', 'stream']) checkPair(engine, service)
  checkNumbers(engine, before.trust)
  if (!serves) await act(engine)

  for (let round = 0; round < 4; round++) {
    const { failed } = await apply(engine, yes)
    assert.deepEqual(failed, [], `step ${at}`)
    clock.advance(DRAIN_TIME)
  }
  const { actions, waits } = plan(engine.config, takeInventory(engine), clock.now())
  assert.deepEqual({ actions, waits }, { actions: [], waits: [] }, `something is left to do after step ${at}`)
  checkNumbers(engine, before.trust)
  for (const service of ['lake', 'stream']) {
    const serial = checkPair(engine, service)
    assert.equal(store.certificate(serial)?.state, 'issued', 'nothing is served that is not on record')
  }
  const active = store.slots().filter(({ state }) => state === 'active')
  assert.deepEqual(active.map(({ kind }) => kind).sort(), ['bundle-key', 'issuing-ca', 'log', 'root'])
  for (const slot of active) if (slot.kind !== 'log') engine.keys.check(slot)
  rmSync(dir, { recursive: true })
  return reached
}

/** What peers may have read is on record as it was, so that its number is never used for anything else. */
function checkNumbers(engine: Engine, from: SignedTrustStatement): void {
  const { trust } = readAsPeer(engine, from)
  const recorded = engine.store.trustStatements().at(-1)!
  assert.ok(compareDocumentNumbers(trust.number, recorded) <= 0)
  const published = readBundleHead(readFileSync(engine.layout.mesh.head))
  const bundle = engine.store.bundle()!
  const order = compareDocumentNumbers(published.head.number, bundle)
  assert.ok(order <= 0)
  if (order === 0) assert.equal(published.digest, readBundleHead(bundle.head).digest)
}
