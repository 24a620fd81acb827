import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Rounds } from './rounds.ts'

describe('what is read on request', () => {
  it('is read once more, for all of them, for those who ask meanwhile', async () => {
    const ends: ((result: number) => void)[] = []
    const rounds = new Rounds(() => new Promise<number>((resolve) => ends.push(resolve)))
    const first = rounds.run()
    const [second, third] = [rounds.run(), rounds.run()]
    assert.equal(ends.length, 1)
    ends[0]!(1)
    assert.equal(await first, 1)
    const fourth = rounds.run()
    assert.equal(ends.length, 2, 'never twice at once')
    ends[1]!(2)
    assert.deepEqual(await Promise.all([second, third]), [2, 2])
    assert.equal(ends.length, 3)
    ends[2]!(3)
    assert.equal(await fourth, 3)
  })

  it('is read again when it could not be', async () => {
    let round = 0
    const rounds = new Rounds(async () => {
      if (++round === 1) throw new Error('away')
      return round
    })
    const [first, second] = await Promise.allSettled([rounds.run(), rounds.run()])
    assert.equal(first.status, 'rejected')
    assert.deepEqual(second, { status: 'fulfilled', value: 2 })
    assert.equal(await rounds.run(), 3)
  })
})
