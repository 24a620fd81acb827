import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Candidate } from './candidate.ts'
import type { Sequencer } from './sequencer.ts'
import { checkNoteLog } from './testing/check-note-log.ts'
import { type Fault, type Step, steps } from './testing/memory-disk.ts'
import { NoteLog, notes } from './testing/note-log.ts'

/** The first time that a process comes to this step, and nothing else goes wrong. */
function once(at: Step, fault: Fault): (step: Step) => Fault | undefined {
  let isSpent = false
  return (step) => {
    if (isSpent || step !== at) return undefined
    isSpent = true
    return fault
  }
}

/** Of a process that goes on. */
const endless = new Promise<void>(() => {})

/** Adds them, as far as the process lives. @returns what was answered, by key */
async function addUntil(
  death: Promise<void>,
  sequencer: Sequencer,
  candidates: readonly Candidate[],
): Promise<Map<string, string>> {
  const released = new Map<string, string>()
  const answers = candidates.map((candidate) =>
    sequencer.add(candidate).then(
      (receipt) => void released.set(candidate.key, Buffer.from(receipt).toString()),
      (error) => assert.match(String(error.code ?? error), /ROUND_FAILED|receipt fails/),
    ),
  )
  await Promise.race([death, Promise.all(answers)])
  return released
}

/** The table of crash points: where, how much of the step is done, and how large the log of 250 is then, of 20 more. */
const crashPoints = steps.flatMap((step) =>
  (['none', 'part', 'all'] as const).flatMap((effect) =>
    (['error', 'death'] as const).map((end) => ({
      step,
      fault: { effect, end },
      size: sizeAfter(step, effect, end),
    })),
  ),
)

function sizeAfter(step: Step, effect: Fault['effect'], end: Fault['end']): number {
  // Only one of them asks in vain.
  if (step === 'receipt') return end === 'error' ? 269 : 250
  return step === 'stage' || (step === 'swap' && effect === 'none') ? 250 : 270
}

describe('a log of 250, to which 20 are added', () => {
  for (const { step, fault, size } of crashPoints)
    it(`has ${size} after ${fault.end} at ${step} with ${fault.effect} of it done, and goes on`, async () => {
      const log = new NoteLog()
      const released = await addUntil(endless, await log.reopen(), notes(250))
      assert.equal(released.size, 250)

      const { process, sequencer } = log.open(once(step, fault))
      const lost = await addUntil(process.death, await sequencer, notes(20, 250))

      const again = await log.reopen()
      assert.equal(again.checkpoint?.size, size)
      assert.equal(await checkNoteLog(log, new Map([...released, ...lost])), size)

      const answered = await addUntil(endless, again, notes(30, 250))
      for (const [key, receipt] of lost) assert.equal(answered.get(key), receipt)
      assert.equal(await checkNoteLog(log, new Map([...released, ...answered])), 280)
    })
})

describe('opening a log that was ended in the midst of a round', () => {
  for (const step of ['locked', 'read', 'list', 'tiles', 'checkpoint', 'unstage'] as const)
    for (const effect of ['none', 'part', 'all'] as const)
      it(`can be ended too, at ${step} with ${effect} done`, async () => {
        const log = new NoteLog()
        const killed = log.open(once('tiles', { effect: 'part', end: 'death' }))
        await addUntil(killed.process.death, await killed.sequencer, notes(300))

        const opening = log.open(once(step, { effect, end: 'death' }))
        opening.sequencer.catch(() => {})
        await opening.process.death
        await assert.rejects(log.open(once('read', { effect: 'none', end: 'error' })).sequencer)

        const released = await addUntil(endless, await log.reopen(), notes(310))
        assert.equal(await checkNoteLog(log, released), 310)
      })
})

describe('a log that goes on through any faults', () => {
  const fault = fc.record<Fault>({
    effect: fc.constantFrom('none', 'part', 'all'),
    end: fc.constantFrom('error', 'death'),
  })
  const life = fc.record({
    batches: fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 3 }),
    /** So many calls into its life. */
    after: fc.nat(40),
    fault,
    /** Milliseconds by which the clock was put on or back. */
    shift: fc.integer({ min: -5000, max: 5000 }),
  })

  it('loses nothing that it answered, and gives no place twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(life, { maxLength: 8 }), async (lives) => {
        const log = new NoteLog()
        const released = new Map<string, string>()
        for (const { batches, after, fault, shift } of lives) {
          log.now += shift
          let calls = 0
          const { process, sequencer } = log.open(() => (calls++ === after ? fault : undefined))
          const opened = await Promise.race([sequencer.catch(() => undefined), process.death])
          if (!opened) continue
          for (const batch of batches) {
            // Some of them were submitted before.
            const candidates = notes(batch, Math.max(0, released.size - 20))
            for (const [key, receipt] of await addUntil(process.death, opened, candidates)) {
              assert.equal(released.get(key) ?? receipt, receipt)
              released.set(key, receipt)
            }
          }
        }
        await log.reopen()
        await checkNoteLog(log, released)
      }),
      { numRuns: 60 },
    )
  })
})
