import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InstanceStreams } from './instance-streams.ts'

describe('the streams of one instance', () => {
  const stream = (instance: string, isMember = true) => ({ instance, isMember, peer: '' })

  test('are so many and no more, whatever others have, and make room when they end', () => {
    const streams = new InstanceStreams(2)
    const [first, second, third] = [stream('lake'), stream('lake'), stream('lake')]
    assert.deepEqual(
      [first, second, third, stream('nexus')].map((one) => streams.enter(one)),
      [undefined, undefined, 2, undefined],
    )
    streams.leave(third)
    assert.equal(streams.enter(third), 2)
    streams.leave(first)
    assert.equal(streams.enter(third), undefined)
  })

  test('take no room from its new pair once the old one is revoked', () => {
    const streams = new InstanceStreams(2)
    const stolen = [stream('lake'), stream('lake')]
    for (const one of stolen) assert.equal(streams.enter(one), undefined)
    for (const one of stolen) one.isMember = false
    assert.equal(streams.enter(stream('lake')), undefined)
    for (let more = 0; more < 14; more++) assert.equal(streams.enter(stream('lake', false)), undefined)
    assert.equal(streams.enter(stream('lake', false)), 16)
    assert.equal(streams.enter(stream('lake')), undefined)
  })
})
