import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FixedClock } from '@datapunk/testkit'
import { FakeMesh } from '../../testing/fake-mesh.ts'
import type { PageCommands } from '../page-commands.ts'
import { firstState, nextState, type PageState } from '../page-state.ts'
import { Refresher, TRIED_AGAIN_AFTER } from './refresher.ts'

const NOW = Date.UTC(2026, 10, 27)

/** A page that is looked at after each word of the mesh. */
function lookedAt(change: (state: PageState) => PageState) {
  const clock = new FixedClock(NOW)
  const mesh = new FakeMesh({ services: 3, clock: clock.now })
  const asked: string[] = []
  const commands = {
    select: (service) => void asked.push(`service ${service}`),
    showAudit: () => void asked.push('audit'),
    showLog: () => void asked.push('log'),
    loadRest: () => void asked.push('rest'),
  } satisfies Partial<PageCommands>
  // Its rest is being loaded.
  const page = { state: { ...firstState(NOW), rest: { kind: 'asking', before: undefined } } as PageState }
  const refresher = new Refresher(commands as unknown as PageCommands, () => page.state, clock.after)
  mesh.live.watch((message) => {
    const before = page.state
    page.state = change(nextState(before, { type: 'said', message, at: NOW }))
    refresher.look(before, page.state)
  })
  const put = (part: Partial<PageState>) => {
    page.state = { ...page.state, ...part }
  }
  return { mesh, clock, asked, put }
}

describe('what is shown is asked for anew', () => {
  test('once after a burst that touched the selected service, and not for others', () => {
    const { mesh, clock, asked } = lookedAt((state) => ({ ...state, selected: 'lake' }))
    mesh.services.get('stream')!.trouble = 'no valid certificate'
    mesh.show()
    clock.advance(1000)
    assert.deepEqual(asked, [])
    mesh.publish('lake')
    mesh.publish()
    clock.advance(1000)
    assert.deepEqual(asked, ['service lake'])
  })

  test('where the newest of the audit is shown, and not where somebody reads an older page', async () => {
    const whole = await new FakeMesh({ services: 3, clock: () => NOW }).audit()
    const newest = lookedAt((state) => ({
      ...state,
      section: 'audit',
      audit: { kind: 'here', value: whole },
    }))
    newest.mesh.publish()
    newest.clock.advance(1000)
    assert.deepEqual(newest.asked, ['audit'])
    const older = { ...whole, entries: whole.entries.slice(1) }
    const reading = lookedAt((state) => ({
      ...state,
      section: 'audit',
      audit: { kind: 'here', value: older },
    }))
    reading.mesh.publish()
    reading.clock.advance(1000)
    assert.deepEqual(reading.asked, [])
  })

  test('once the answer has come that is on its way', () => {
    const page = lookedAt((state) => ({ ...state, selected: 'lake' }))
    const asking = { kind: 'asking', before: undefined } as const
    page.put({ detail: asking, section: 'audit', audit: asking })
    page.mesh.publish('lake')
    page.clock.advance(5000)
    assert.deepEqual(page.asked, [])
    page.put({ detail: { kind: 'nothing' }, audit: { kind: 'nothing' } })
    page.clock.advance(1000)
    assert.deepEqual(new Set(page.asked), new Set(['service lake', 'audit']))
    page.clock.advance(5000)
    assert.equal(page.asked.length, 2)
  })

  test('not where neither log nor audit is shown', () => {
    const { mesh, clock, asked } = lookedAt((state) => state)
    mesh.publish()
    clock.advance(1000)
    assert.deepEqual(asked, [])
  })

  test('the rest of the page once there is a first view, and again a while after it did not load', () => {
    const [nothing, failed] = [{ kind: 'nothing' }, { kind: 'failed', message: 'it did not load' }] as const
    const first = lookedAt((state) => ({ ...state, rest: nothing }))
    first.clock.advance(0)
    assert.deepEqual(first.asked, ['rest'])
    const again = lookedAt((state) => ({ ...state, rest: failed }))
    again.clock.advance(TRIED_AGAIN_AFTER - 1)
    assert.deepEqual(again.asked, [])
    again.clock.advance(1)
    assert.deepEqual(again.asked, ['rest'])
  })
})
