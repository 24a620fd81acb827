import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { Sequencer } from './sequencer.ts'
import { checkNoteLog } from './testing/check-note-log.ts'
import { NoteLog, note, notes } from './testing/note-log.ts'

async function addAll(sequencer: Sequencer, candidates = notes(1)): Promise<Map<string, string>> {
  const receipts = await Promise.all(candidates.map((each) => sequencer.add(each)))
  return new Map(candidates.map(({ key }, at) => [key, Buffer.from(receipts[at]!).toString()]))
}

describe('a log', () => {
  it('gives each entry its place, and shows it before it answers', async () => {
    const log = new NoteLog()
    const sequencer = await log.reopen()
    const released = new Map<string, string>()
    for (const count of [1, 1, 254, 1, 255, 300, 1]) {
      const added = await addAll(sequencer, notes(count, released.size))
      for (const [key, receipt] of added) released.set(key, receipt)
      assert.equal(await checkNoteLog(log, released), released.size)
      assert.equal(sequencer.checkpoint?.size, released.size)
    }
  })

  it('writes the objects of static-ct-api, and no others', async () => {
    const log = new NoteLog()
    const sequencer = await log.reopen()
    await addAll(sequencer, notes(3))
    await addAll(sequencer, notes(254, 3))
    const written = [...log.disk.paths].filter((path) => !path.startsWith('staging/'))
    assert.deepEqual(written.sort(), [
      ...['attached/6', 'attached/7', 'attached/8', 'checkpoint', 'tile/0/000', 'tile/0/000.p/3'],
      ...['tile/0/001.p/1', 'tile/1/000.p/1', 'tile/data/000', 'tile/data/000.p/3', 'tile/data/001.p/1'],
    ])
  })

  it('removes partial tiles when the full one, and the next, are there', async () => {
    const log = new NoteLog()
    const sequencer = await log.reopen()
    const partials = () => [...log.disk.objects.keys()].filter((path) => path.includes('.p/'))
    for (const from of [0, 100, 200]) await addAll(sequencer, notes(100, from))
    await addAll(sequencer, notes(211, 300))
    const first = ['tile/0/000.p/100', 'tile/0/000.p/200', 'tile/data/000.p/100', 'tile/data/000.p/200']
    assert.deepEqual(
      first.filter((path) => !partials().includes(path)),
      [],
    )
    await addAll(sequencer, notes(1, 511))
    assert.deepEqual(partials().sort(), [
      ...['tile/0/001.p/255', 'tile/0/001.p/44', 'tile/1/000.p/1', 'tile/1/000.p/2'],
      ...['tile/data/001.p/255', 'tile/data/001.p/44'],
    ])
    assert.equal(await checkNoteLog(log, new Map()), 512)
  })

  it('answers what was logged before with its first receipt', async () => {
    const log = new NoteLog()
    const first = await log.reopen()
    const [one, other, again] = await Promise.all(
      [note('a'), note('b'), note('a')].map((each) => first.add(each)),
    )
    assert.deepEqual(one, again)
    assert.notDeepEqual(one, other)
    log.now += 1000
    // One that arrives while the same is on its way to the disk.
    const [round, late] = [first.add(note('c')), Promise.resolve().then(() => first.add(note('c')))]
    assert.deepEqual(await round, await late)
    assert.deepEqual(await first.add(note('a')), one)
    const second = await log.reopen()
    assert.deepEqual(await second.add(note('a')), one)
    assert.equal(await checkNoteLog(log, new Map()), 3)
  })

  it('signs nothing where all of a round was logged in the one before', async () => {
    const log = new NoteLog()
    const sequencer = await log.reopen()
    const first = sequencer.add(note('a'))
    // Not yet answered, and in no pool any more.
    while (log.disk.objects.size === 0) await Promise.resolve()
    const [one, again] = await Promise.all([first, sequencer.add(note('a'))])
    assert.deepEqual(one, again)
    assert.equal(new Set(log.disk.seen.map(String)).size, 1)
    assert.equal(await checkNoteLog(log, new Map()), 1)
  })

  it('takes whoever comes while it writes into one next round', async () => {
    const log = new NoteLog()
    const sequencer = await log.reopen()
    const first = sequencer.add(note('first'))
    const rest = notes(50).map((each) => sequencer.add(each))
    await Promise.all([first, ...rest])
    assert.ok(new Set(log.disk.seen).size <= 3)
  })

  it('lets no more wait than its pool holds', async () => {
    const log = new NoteLog()
    const sequencer = await log.open(undefined, { poolSize: 3 }).sequencer
    const answers = await Promise.allSettled(notes(5).map((each) => sequencer.add(each)))
    const refused = answers.filter(({ status }) => status === 'rejected')
    assert.deepEqual(
      refused.map((each) => (each as PromiseRejectedResult).reason.code),
      ['POOL_FULL', 'POOL_FULL'],
    )
    assert.equal((await addAll(sequencer, notes(3))).size, 3)
    assert.equal(await checkNoteLog(log, new Map()), 3)
  })

  it('has a time that never goes back', async () => {
    const log = new NoteLog()
    const first = await log.reopen()
    await first.add(note('a'))
    log.now -= 60_000
    const receipts = await addAll(await log.reopen(), [note('b')])
    assert.match(receipts.get('b')!, / 1800000000000$/)
    assert.equal(await checkNoteLog(log, receipts), 2)
  })

  it('stages no more objects in a round than it can read again', async () => {
    const log = new NoteLog()
    const candidates = notes(900).map((each) => ({
      ...each,
      attachments: new Map(
        Array.from({ length: 6 }, (_, at) => [`attached/${each.key}/${at}`, Buffer.from('a')] as const),
      ),
    }))
    const { process, sequencer } = log.open((step) =>
      step === 'tiles' ? { effect: 'none', end: 'death' } : undefined,
    )
    const opened = await sequencer
    for (const candidate of candidates) opened.add(candidate).catch(() => {})
    await process.death
    const released = await addAll(await log.reopen(), candidates)
    assert.equal(await checkNoteLog(log, released), 900)
  })
})

describe('a log is not opened', () => {
  async function logged(): Promise<NoteLog> {
    const log = new NoteLog()
    const sequencer = await log.reopen()
    await addAll(sequencer, notes(300))
    return log
  }

  it('when its data are older than what it signed last', async () => {
    const log = await logged()
    const backup = new Map(log.disk.objects)
    await addAll(await log.reopen(), notes(10, 300))
    log.disk.objects.clear()
    for (const [path, octets] of backup) log.disk.objects.set(path, octets)
    await assert.rejects(log.reopen(), { code: 'DATA_BEHIND_LOCK' })
    log.disk.objects.clear()
    await assert.rejects(log.reopen(), { code: 'DATA_BEHIND_LOCK' })
  })

  it('when nobody knows what it signed last', async () => {
    const log = await logged()
    log.disk.locked = undefined
    await assert.rejects(log.reopen(), { code: 'LOCK_LOST' })
    log.disk.objects.delete('checkpoint')
    await assert.rejects(log.reopen(), { code: 'LOCK_LOST' })
  })

  for (const path of ['tile/0/001.p/44', 'tile/1/000.p/1', 'tile/data/001.p/44'])
    it(`when ${path} was altered, cut or removed`, async () => {
      const log = await logged()
      const octets = log.disk.objects.get(path)!
      log.disk.objects.delete(path)
      await assert.rejects(log.reopen(), { code: 'TILE_MISSING' })
      log.disk.objects.set(path, octets.subarray(0, -32))
      await assert.rejects(log.reopen())
      octets[octets.length - 1]! ^= 1
      log.disk.objects.set(path, octets)
      await assert.rejects(log.reopen(), { code: 'TILE_WRONG' })
    })

  it('when its key or its name is another', async () => {
    const log = await logged()
    await assert.rejects(
      Sequencer.open({
        ...{ store: log.open().process, lock: log.open().process, clock: () => 0, signer: log.signer },
        ...{ origin: 'log.example/other', leavesOf: () => [] },
      }),
      { code: 'NOTE_SIGNATURE_INVALID' },
    )
  })
})

describe('a log whose checkpoint somebody has removed or emptied', () => {
  /** Of several tiles, the last one partial. */
  const paths = ['tile/0/000', 'tile/0/001.p/44', 'tile/1/000.p/1', 'tile/data/000', 'tile/data/001.p/44']
  let log: NoteLog
  let released: ReadonlyMap<string, string>

  beforeEach(async () => {
    log = new NoteLog()
    released = await addAll(await log.reopen(), notes(300))
    log.disk.objects.delete('checkpoint')
  })

  it('writes it again, and goes on from it', async () => {
    const before = log.disk.locked
    await log.reopen()
    assert.deepEqual(log.disk.objects.get('checkpoint'), before)
    log.disk.objects.set('checkpoint', Buffer.alloc(0))
    const again = await addAll(await log.reopen(), notes(10, 300))
    assert.equal(await checkNoteLog(log, new Map([...released, ...again])), 310)
  })

  for (const path of paths)
    it(`is not opened when ${path} is missing or altered too`, async () => {
      const octets = Buffer.from(log.disk.objects.get(path)!)
      log.disk.objects.delete(path)
      await assert.rejects(log.reopen(), { code: 'DATA_BEHIND_LOCK' })
      log.disk.objects.set(path, octets.subarray(0, -32))
      await assert.rejects(log.reopen(), { code: 'DATA_BEHIND_LOCK' })
      octets[octets.length - 1]! ^= 1
      log.disk.objects.set(path, octets)
      await assert.rejects(log.reopen(), { code: 'DATA_BEHIND_LOCK' })
      assert.equal(log.disk.objects.get('checkpoint'), undefined)
    })

  for (const more of [1, 211, 212, 213, 500])
    it(`is not opened when its lock is from before ${more} more, which others have seen`, async () => {
      const { locked } = log.disk
      await addAll(await log.reopen(), notes(more, 300))
      log.disk.objects.delete('checkpoint')
      log.disk.locked = locked
      await assert.rejects(log.reopen(), { code: 'DATA_BEHIND_LOCK' })
    })

  it('is not opened when another checkpoint lies there instead', async () => {
    const other = new NoteLog()
    await addAll(await other.reopen(), notes(300, 1000))
    log.disk.objects.set('checkpoint', other.disk.locked!)
    await assert.rejects(log.reopen(), { code: 'DATA_BEHIND_LOCK' })
  })
})

describe('two that have opened one log', () => {
  it('never fork it: whoever comes second has lost it', async () => {
    const log = new NoteLog()
    const [first, second] = [await log.reopen(), await log.reopen()]
    const released = await addAll(first, notes(3))
    await assert.rejects(second.add(note('late')), (error: Error & { cause?: unknown }) => {
      assert.equal((error as Error & { code?: string }).code, 'ROUND_FAILED')
      assert.equal((error.cause as { code?: string }).code, 'LOCK_TAKEN')
      return true
    })
    assert.equal(second.failure?.code, 'ROUND_FAILED')
    await assert.rejects(second.add(note('later')), { code: 'ROUND_FAILED' })
    await log.reopen()
    assert.equal(await checkNoteLog(log, released), 3)
  })
})
