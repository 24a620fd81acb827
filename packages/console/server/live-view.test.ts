import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConsoleEvent, ConsoleMessage, ConsoleService, ConsoleView } from '@datapunk/protocol/console'
import fc from 'fast-check'
import { LiveView } from './live-view.ts'

const service = (name: string, state: ConsoleService['state'] = 'good'): ConsoleService => ({
  service: name,
  state,
  notes: [],
  names: [],
  barred: false,
  instances: [],
})

const view = (services: readonly ConsoleService[], links: ConsoleView['links'] = []): ConsoleView => ({
  mesh: {} as ConsoleView['mesh'],
  services,
  links,
  revocations: [],
})

const eventOf = (subject: string): ConsoleEvent => ({ at: '', kind: '', subject, text: '', state: 'good' })

function watched(live: LiveView): { messages: ConsoleMessage[]; stop: () => void } {
  const messages: ConsoleMessage[] = []
  return { messages, stop: live.watch((message) => messages.push(message)) }
}

describe('LiveView', () => {
  test('shows all of it to whoever comes, and then what differs', () => {
    const live = new LiveView()
    const first = watched(live)
    live.show(view([service('lake'), service('nexus')]))
    const second = watched(live)
    live.show(view([service('lake', 'bad'), service('nexus')]))
    live.show(view([service('lake', 'bad')], [{ caller: 'nexus', callee: 'lake', count: 2 }]))
    live.show(view([service('lake', 'bad')], [{ caller: 'nexus', callee: 'lake', count: 2 }]))
    assert.deepEqual(first.messages, second.messages)
    assert.deepEqual(first.messages, [
      { type: 'view', view: view([service('lake'), service('nexus')]) },
      { type: 'change', services: [service('lake', 'bad')] },
      { type: 'change', links: [{ caller: 'nexus', callee: 'lake', count: 2 }], gone: ['nexus'] },
    ])
  })

  test('whoever follows the changes has what whoever comes is shown', () => {
    const states = fc.constantFrom('good', 'bad', 'quiet' as const)
    const anyView = fc
      .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), states), { selector: ([name]) => name })
      .map((all) => all.map(([name, state]) => service(name, state as ConsoleService['state'])))
    fc.assert(
      fc.property(fc.array(anyView, { minLength: 1 }), (views) => {
        const live = new LiveView()
        const { messages } = watched(live)
        for (const services of views) live.show(view(services))
        const followed = new Map<string, ConsoleService>()
        for (const message of messages) {
          if (message.type === 'view') for (const one of message.view.services) followed.set(one.service, one)
          if (message.type !== 'change') continue
          for (const one of message.services ?? []) followed.set(one.service, one)
          for (const name of message.gone ?? []) followed.delete(name)
        }
        const shown = new Map(views.at(-1)?.map((one) => [one.service, one]))
        assert.deepEqual(Object.fromEntries(followed), Object.fromEntries(shown))
      }),
    )
  })

  test('keeps the last hundred events', () => {
    const live = new LiveView()
    for (let number = 0; number < 150; number++) live.happened([eventOf(String(number))])
    live.happened([])
    const [kept] = watched(live).messages
    assert.ok(kept?.type === 'events')
    assert.deepEqual([kept.events.length, kept.events[0]?.subject], [100, '50'])
  })

  test('tells once that the authority does not answer', () => {
    const live = new LiveView()
    const { messages } = watched(live)
    for (const reachable of [true, true, false, false]) live.authority(reachable, 'so')
    assert.deepEqual(
      messages.map((message) => message.type === 'authority' && message.reachable),
      [true, false],
    )
    assert.deepEqual(watched(live).messages, [{ type: 'authority', reachable: false, message: 'so' }])
  })

  test('forgets what nobody looks at any more, and says when somebody comes', () => {
    const live = new LiveView()
    let came = 0
    live.onWatched = () => came++
    const { stop } = watched(live)
    live.show(view([service('lake')]))
    stop()
    assert.equal(live.isWatched, false)
    assert.deepEqual(watched(live).messages, [])
    assert.equal(came, 2)
  })
})
