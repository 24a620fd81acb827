import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FixedClock } from './fixed-clock.ts'

describe('FixedClock', () => {
  it('stands still until it is moved', () => {
    const clock = new FixedClock(1000)
    const { now } = clock
    assert.equal(now(), 1000)
    clock.advance(500)
    assert.equal(now(), 1500)
    clock.set(100)
    assert.equal(now(), 100)
  })

  it('calls in order of time, each at its own time', () => {
    const clock = new FixedClock(0)
    const calls: string[] = []
    const note = (name: string) => (): unknown => calls.push(`${name}@${clock.now()}`)
    clock.after(20, note('b'))
    clock.after(10, () => {
      note('a')()
      clock.after(5, note('again'))
    })
    clock.after(30, note('late'))
    clock.advance(20)
    assert.deepEqual(calls, ['a@10', 'again@15', 'b@20'])
    assert.equal(clock.now(), 20)
  })

  it('does not call what was taken back', () => {
    const clock = new FixedClock(0)
    const cancel = clock.after(10, () => assert.fail('called'))
    cancel()
    clock.advance(100)
  })
})
