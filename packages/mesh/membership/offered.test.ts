import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { encodeMembers, formatDocumentNumber } from '@datapunk/protocol'
import { atEnd, FixedClock, TestMesh } from '@datapunk/testkit'
import type { FetchSection, OfferedDocument } from '../authority/offered-documents.ts'
import { MeshError } from '../error.ts'
import { Membership } from './membership.ts'

const minute = 60_000

/** As long as the first wait before another try may be, and the longest. */
const SOON = 100
const LATER = 10_000

/** As long as a newer head waits for the sections of the one before, at first. */
const LENIENCE = 10_000

/** A service whose files stay as they are, and what the authority publishes meanwhile. */
class Listening {
  readonly testMesh: TestMesh
  readonly clock: FixedClock
  /** How often a section was asked for. */
  asked = 0
  /** How the authority answers; as it should unless told. */
  answer: FetchSection = async ({ digest }) => readFileSync(this.testMesh.layout.mesh.section(digest))
  readonly problems: string[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'offered-'))
  #membership: Membership | undefined
  #happened = Promise.withResolvers<void>()

  private constructor(testMesh: TestMesh) {
    this.testMesh = testMesh
    this.clock = new FixedClock(testMesh.ca.at)
  }

  static async prepare(t: TestContext): Promise<Listening> {
    const listening = new Listening(await TestMesh.create({ services: { lake: {}, stream: {} } }))
    atEnd(t, () => listening.testMesh.remove())
    atEnd(t, () => rmSync(listening.#folder, { recursive: true }))
    atEnd(t, () => listening.#membership?.stop())
    return listening
  }

  /** Publishes a bundle with other members, and takes it out of the files again. */
  async head(at = this.testMesh.ca.at): Promise<OfferedDocument> {
    const { testMesh } = this
    const before = readFileSync(testMesh.layout.mesh.head)
    testMesh.change('lake', { callers: [`caller-${testMesh.number.counter}`] })
    const document = await testMesh.publish(at)
    await testMesh.writeHead(before)
    return { type: 'head', document }
  }

  /** Signs a trust statement, and takes it out of the files again. */
  async statement(counter: number, issuedAt = this.testMesh.ca.at): Promise<OfferedDocument> {
    await this.testMesh.trust({ issuedAt })
    const file = this.testMesh.layout.mesh.trustStatement({ generation: 1, counter })
    const document = readFileSync(file)
    rmSync(file)
    return { type: 'trust-statement', document }
  }

  async begin(): Promise<void> {
    const { clock, testMesh } = this
    const membership = await Membership.open({
      place: { file: testMesh.configFile, environment: undefined, root: undefined },
      service: 'lake',
      ...{ clock, random: (size) => Buffer.alloc(size, 0xff), pollEvery: 2 ** 31 - 1 },
      memory: join(this.#folder, 'lake'),
    })
    const happened = () => {
      this.#happened.resolve()
      this.#happened = Promise.withResolvers()
    }
    const problem = (problem: MeshError) => {
      this.problems.push(String(problem.data.rule ?? problem.code))
      happened()
    }
    const fetch: FetchSection = (ref, base, signal) => {
      this.asked++
      return this.answer(ref, base, signal)
    }
    membership.start({ changed: happened, problem, kept: () => {}, stirred: () => {} }, fetch)
    this.#membership = membership
  }

  /** What is believed: the bundle, and the trust statement. */
  get believed(): string {
    const { bundle, trust } = this.#membership!.current().view
    return `${formatDocumentNumber(bundle.head.number)} ${formatDocumentNumber(trust.number)}`
  }

  /** Resolves when something new is believed, or a problem was told. */
  async offer(...documents: OfferedDocument[]): Promise<void> {
    const { promise } = this.#happened
    for (const document of documents) this.#membership!.offer(document)
    await promise
    await setImmediate()
  }

  /** Resolves when something new is believed, or a problem was told. */
  async after(delay: number): Promise<void> {
    const { promise } = this.#happened
    this.clock.advance(delay)
    await promise
    await setImmediate()
  }

  stop(): Promise<void> {
    return this.#membership!.stop()
  }

  refresh(): Promise<void> {
    return this.#membership!.refresh()
  }
}

const missing = async () => {
  throw new MeshError('BUNDLE_MISSING', 'the authority did not give the section')
}

test('a bundle of which a section did not come is asked for again, soon', async (t) => {
  const listening = await Listening.prepare(t)
  const head = await listening.head()
  await listening.begin()
  const { answer } = listening
  listening.answer = missing
  await listening.offer(head)
  assert.deepEqual([listening.believed, listening.problems], ['1.1 1.1', ['BUNDLE_MISSING']])
  listening.answer = answer
  await listening.after(SOON)
  assert.deepEqual([listening.believed, listening.problems], ['1.2 1.1', ['BUNDLE_MISSING']])
})

test('a bundle of which a section did not come is asked for again by whoever refreshes', async (t) => {
  const listening = await Listening.prepare(t)
  const head = await listening.head()
  await listening.begin()
  const { answer } = listening
  listening.answer = missing
  await listening.offer(head)
  listening.answer = answer
  await listening.refresh()
  assert.equal(listening.believed, '1.2 1.1')
})

test('a bundle that came while the clock was behind is believed when that is right', async (t) => {
  const listening = await Listening.prepare(t)
  const head = await listening.head(listening.clock.now() + 10 * minute)
  await listening.begin()
  await listening.offer(head)
  listening.clock.advance(SOON)
  await listening.refresh()
  assert.deepEqual([listening.believed, listening.problems], ['1.1 1.1', ['ISSUED_IN_THE_FUTURE']])
  listening.clock.shift(10 * minute)
  await listening.after(2 * SOON)
  assert.equal(listening.believed, '1.2 1.1')
})

test('a trust statement of the future is believed with the one that follows it, signed when the clock was right again', async (t) => {
  const listening = await Listening.prepare(t)
  const ahead = await listening.statement(2, listening.clock.now() + 400 * 24 * 60 * minute)
  const after = [await listening.statement(3), await listening.head()]
  await listening.begin()
  await listening.offer(ahead)
  assert.deepEqual([listening.believed, listening.problems], ['1.1 1.1', ['ISSUED_IN_THE_FUTURE']])
  await listening.offer(...after)
  await listening.after(SOON)
  await listening.refresh()
  assert.equal(listening.believed, '1.2 1.3')
})

test('trust statements that came while the clock was behind are believed in their order, and then what rests on them', async (t) => {
  const listening = await Listening.prepare(t)
  const later = listening.clock.now() + 10 * minute
  const documents = [
    await listening.statement(2, later),
    await listening.statement(3, later),
    await listening.head(),
  ]
  await listening.begin()
  await listening.offer(...documents)
  assert.equal(listening.believed, '1.1 1.1')
  listening.clock.shift(10 * minute)
  await listening.after(SOON)
  await listening.refresh()
  assert.equal(listening.believed, '1.2 1.3')
})

test('a bundle nobody of this mesh has signed is tried ever less often, told once, and in nobody’s way', async (t) => {
  const listening = await Listening.prepare(t)
  const head = await listening.head()
  await listening.begin()
  const foreign = await TestMesh.foreign(listening.testMesh, { lake: {}, stream: {} })
  atEnd(t, () => foreign.remove())
  await listening.offer({ type: 'head', document: await foreign.publish() })
  for (let n = 0; n < 20; n++) {
    listening.clock.advance(LATER)
    await listening.refresh()
  }
  assert.deepEqual([listening.asked, listening.problems], [0, ['SIGNATURE_INVALID']])
  await listening.offer(head)
  assert.equal(listening.believed, '1.2 1.1')
})

test('a section that is not what the head names is asked for again', async (t) => {
  const listening = await Listening.prepare(t)
  const head = await listening.head()
  await listening.begin()
  const { answer } = listening
  listening.answer = async () => encodeMembers([])
  await listening.offer(head)
  assert.deepEqual([listening.asked, listening.problems], [1, ['BUNDLE_INVALID']])
  listening.answer = answer
  await listening.after(SOON)
  assert.deepEqual([listening.asked, listening.believed], [2, '1.2 1.1'])
})

test('files are believed while a section is waited for', async (t) => {
  const listening = await Listening.prepare(t)
  const head = await listening.head()
  await listening.begin()
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<Uint8Array>()
  const { answer } = listening
  listening.answer = (ref, base, signal) => {
    asked.resolve()
    return answered.promise.then(() => answer(ref, base, signal))
  }
  const offered = listening.offer(head)
  await asked.promise
  await listening.testMesh.trust({})
  void listening.refresh()
  await offered
  assert.equal(listening.believed, '1.1 1.2')
  answered.resolve(new Uint8Array())
  await listening.refresh()
  assert.equal(listening.believed, '1.2 1.2')
})

describe('a newer bundle that comes while a section of the one before is gathered', () => {
  const begin = async (t: TestContext) => {
    const listening = await Listening.prepare(t)
    const heads = [await listening.head(), await listening.head(), await listening.head()] as const
    await listening.begin()
    const { answer } = listening
    /** Offers a head. Resolves when its section was asked for, which comes when that is called, unless it is given up. */
    const stall = async (head: OfferedDocument): Promise<() => void> => {
      const asked = Promise.withResolvers<void>()
      const sent = Promise.withResolvers<void>()
      listening.answer = async (ref, base, signal) => {
        listening.answer = answer
        asked.resolve()
        signal?.addEventListener('abort', () => sent.resolve())
        await sent.promise
        return signal?.aborted ? missing() : answer(ref, base, signal)
      }
      void listening.offer(head)
      await asked.promise
      return sent.resolve
    }
    return { listening, heads, stall }
  }

  test('waits for it, and not for long', async (t) => {
    const { listening, heads, stall } = await begin(t)
    await stall(heads[0])
    listening.clock.advance(LENIENCE - 1)
    void listening.offer(heads[1])
    await listening.after(1)
    assert.deepEqual([listening.believed, listening.problems], ['1.3 1.1', []])
  })

  test('waits no more where that has lasted long already', async (t) => {
    const { listening, heads, stall } = await begin(t)
    await stall(heads[0])
    listening.clock.advance(LENIENCE)
    assert.equal(listening.believed, '1.1 1.1')
    await listening.offer(heads[1])
    assert.deepEqual([listening.believed, listening.problems], ['1.3 1.1', []])
  })

  test('is believed after the one before, where its section comes in time', async (t) => {
    const { listening, heads, stall } = await begin(t)
    const send = await stall(heads[0])
    void listening.offer(heads[1])
    listening.clock.advance(LENIENCE - 1)
    send()
    await listening.refresh()
    assert.deepEqual([listening.asked, listening.believed], [2, '1.3 1.1'])
  })

  test('waits longer the next time, lest all are overtaken where sections come slowly', async (t) => {
    const { listening, heads, stall } = await begin(t)
    await stall(heads[0])
    listening.clock.advance(LENIENCE)
    const send = await stall(heads[1])
    listening.clock.advance(LENIENCE)
    void listening.offer(heads[2])
    listening.clock.advance(LENIENCE - 1)
    const { answer } = listening
    listening.answer = async (...asked) => {
      assert.equal(listening.believed, '1.3 1.1')
      return answer(...asked)
    }
    send()
    await listening.refresh()
    assert.equal(listening.believed, '1.4 1.1')
  })
})

test('whoever leaves waits for no section', async (t) => {
  const listening = await Listening.prepare(t)
  const head = await listening.head()
  await listening.begin()
  const asked = Promise.withResolvers<void>()
  listening.answer = () => {
    asked.resolve()
    return new Promise(() => {})
  }
  void listening.offer(head)
  await asked.promise
  await listening.stop()
})
