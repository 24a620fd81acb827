import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FakeMesh } from '../testing/fake-mesh.ts'
import { announcement } from './announcement.ts'
import { Announcer } from './announcer.ts'
import { firstState, nextState, type PageState } from './page-state.ts'

const NOW = Date.UTC(2026, 10, 27)

/** What is said over some deeds in a mesh. */
function saidOver(services: number, deeds: (mesh: FakeMesh) => void): string | undefined {
  const mesh = new FakeMesh({ services, clock: () => NOW })
  let state: PageState = firstState(NOW)
  mesh.live.watch((message) => {
    state = nextState(state, { type: 'said', message, at: NOW })
  })
  const before = state
  deeds(mesh)
  return announcement(before, state)
}

describe('what is said to whoever can’t see', () => {
  test('is who is in another state, and why', () => {
    const said = saidOver(3, (mesh) => {
      mesh.services.get('lake')!.trouble = 'no valid certificate'
      mesh.show()
    })
    assert.equal(said, 'lake is bad: no valid certificate.')
  })

  test('is a number where they are many', () => {
    const said = saidOver(9, (mesh) => {
      for (const service of mesh.services.values()) service.trouble = 'no valid certificate'
      mesh.show()
    })
    assert.equal(said, '9 services have another state.')
  })

  test('is nothing of what only counts up', () => {
    const said = saidOver(3, (mesh) => {
      mesh.links = mesh.links.map((link) => ({ ...link, count: link.count + 1 }))
      mesh.show()
    })
    assert.equal(said, undefined)
  })

  test('is that the console is away, and back', () => {
    const live: PageState = {
      ...firstState(NOW),
      connection: { kind: 'live', since: NOW, lostFor: undefined },
    }
    const away: PageState = { ...live, connection: { kind: 'reconnecting', since: NOW, reason: undefined } }
    const again: PageState = { ...live, connection: { kind: 'live', since: NOW, lostFor: 4000 } }
    assert.equal(announcement(live, away), 'The connection to the console is lost; reconnecting.')
    assert.equal(announcement(away, again), 'Live again, after 4 s.')
  })

  test('is that the authority is away, and what was done', () => {
    const before = firstState(NOW)
    const after = nextState(before, { type: 'done', done: { text: 'Rotated lake.', state: 'good' } })
    assert.equal(announcement(before, after), 'Rotated lake.')
    assert.equal(
      saidOver(3, (mesh) => mesh.authority(false)),
      'The authority does not answer.',
    )
  })
})

test('sentences that come together are said together, and none is said too soon', () => {
  const region = { textContent: null as string | null }
  const waiting: (() => void)[] = []
  const announcer = new Announcer(region, (_, call) => waiting.push(call))
  announcer.say('one')
  announcer.say('two')
  announcer.say('three')
  assert.equal(region.textContent, 'one')
  waiting.shift()!()
  assert.equal(region.textContent, 'two three')
  waiting.shift()!()
  assert.equal(waiting.length, 0)
  announcer.say('four')
  assert.equal(region.textContent, 'four')
})
