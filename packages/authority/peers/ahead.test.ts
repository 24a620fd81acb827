import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { generateKeyPair, localSigner, type Signer } from '@datapunk/pki'
import { type DocumentNumber, MAX_GENERATION, readBundleHead, sealBundleHead } from '@datapunk/protocol'
import { apply } from '../applying/apply.ts'
import { continueFromHere } from '../backup/continue-from-here.ts'
import { activeSlot } from '../engine/slots.ts'
import { publish } from '../publishing/publish.ts'
import { rotate } from '../rotation/rotate.ts'
import { MemoryStore } from '../store/memory.ts'
import { testEngine } from '../testing/test-engine.ts'
import { isAheadOfUs } from './ahead.ts'

const yes = { approve: () => true }
const config = { services: { lake: {} } }

type TestEngine = ReturnType<typeof testEngine>

describe('what shows that an inventory is not the newest', () => {
  let folders: string[]
  let rows: MemoryStore
  let engine: TestEngine

  const newFolder = () => {
    const dir = mkdtempSync(join(tmpdir(), 'ahead-'))
    folders.push(dir)
    return dir
  }

  beforeEach(async () => {
    folders = []
    rows = new MemoryStore()
    engine = testEngine({ dir: newFolder(), config, store: rows })
    await apply(engine, yes)
  })

  afterEach(() => {
    for (const dir of folders) rmSync(dir, { recursive: true })
  })

  /** Another authority that begins with all that this one has. */
  const copied = (): TestEngine => {
    const dir = newFolder()
    cpSync(folders[0]!, dir, { recursive: true })
    return testEngine({ dir, config, store: new MemoryStore({ rows }) })
  }

  /** A head of another number, or time, by the bundle key in use. */
  const signed = (number: DocumentNumber, later = 0): Promise<Uint8Array> =>
    engine.keys.withSigner(activeSlot(engine, 'bundle-key'), (signer) => signedBy(signer, number, later))

  const signedBy = (signer: Signer, number: DocumentNumber, later = 0): Promise<Uint8Array> => {
    const { head } = readBundleHead(engine.store.bundle()!.head)
    return sealBundleHead({ ...head, number, issuedAt: head.issuedAt + later }, signer)
  }

  const shown = ({ store }: TestEngine) =>
    [store.bundle()!.head, store.trustStatements().at(-1)!.bytes] as const

  const replaceBundleKey = (of: TestEngine) => rotate(of, { what: 'compromised', kind: 'bundle-key' })

  test('is a later head by a key in use, of this generation', async () => {
    const next = { generation: 1, counter: 9 }
    assert.equal(
      isAheadOfUs(engine.store, await signed(next)),
      'bundle 1.9, and 1.2 is the newest on record here',
    )
    // No bundle key signs for two generations: one is begun with another.
    assert.equal(
      isAheadOfUs(engine.store, await signed({ generation: MAX_GENERATION, counter: 1 })),
      undefined,
    )
  })

  test('is another head of the number that is the newest here', async () => {
    const { head } = readBundleHead(engine.store.bundle()!.head)
    assert.equal(isAheadOfUs(engine.store, await signed(head.number)), undefined)
    assert.equal(
      isAheadOfUs(engine.store, await signed(head.number, 1)),
      'another bundle 1.2 than the one on record here',
    )
    const before = { generation: 1, counter: 1 }
    assert.equal(isAheadOfUs(engine.store, await signed(before, 1)), undefined)
  })

  test('is no head by a key that was stolen and replaced, whatever statement it comes with', async () => {
    const [, known] = shown(engine)
    const forged = await signed({ generation: 1, counter: 999_999 })
    await replaceBundleKey(engine)
    assert.equal(isAheadOfUs(engine.store, forged), undefined)
    assert.equal(isAheadOfUs(engine.store, forged, known), undefined)
    const spelled = Buffer.from(JSON.stringify(JSON.parse(Buffer.from(known).toString()), undefined, 1))
    assert.notDeepEqual(spelled, Buffer.from(known))
    assert.equal(isAheadOfUs(engine.store, forged, spelled), undefined)
    // Nor by one that retired.
    const later = await signed({ generation: 1, counter: 999_999 })
    await continueFromHere(engine)
    await apply(engine, yes)
    assert.equal(isAheadOfUs(engine.store, later), undefined)
  })

  test('is a head by a key that this inventory does not know yet, under a statement by its root', async () => {
    const old = copied()
    await replaceBundleKey(engine)
    await publish(engine)
    const [head, trust] = shown(engine)
    assert.equal(isAheadOfUs(old.store, head), undefined)
    assert.match(isAheadOfUs(old.store, head, trust) ?? '', /^bundle 1\.\d+, and 1\.2 is the newest/)
    const { privateKey } = await generateKeyPair('ecdsa-p256')
    const forged = await signedBy(localSigner(privateKey), { generation: 1, counter: 999_999 })
    assert.equal(isAheadOfUs(old.store, forged, trust), undefined)
    // One that does not know of a restore.
    await continueFromHere(engine)
    await apply(engine, yes)
    assert.match(isAheadOfUs(old.store, ...shown(engine)) ?? '', /^bundle 2\.\d+, and 1\.2 is the newest/)
  })

  test('is what another authority has published that was restored to the same generation', async () => {
    const other = copied()
    for (const each of [engine, other]) {
      await continueFromHere(each)
      await apply(each, yes)
    }
    await publish(other)
    assert.match(isAheadOfUs(engine.store, ...shown(other)) ?? '', /^bundle 2\.\d+, and 2\.\d+ is the newest/)
    assert.equal(isAheadOfUs(engine.store, ...shown(engine)), undefined)
  })

  test('leads to no generation but the next ones, whatever a halt is said to stand on', async () => {
    await engine.halting.begin(engine, 'a peer showed bundle 999999.1, and 1.2 is the newest on record here')
    assert.equal((await continueFromHere(engine)).generation, 2)
    await engine.halting.begin(engine, 'a peer showed bundle 5.1, and 2.2 is the newest on record here')
    assert.equal((await continueFromHere(engine)).generation, 6)
  })
})
