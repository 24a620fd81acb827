import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { describe, test } from 'node:test'
import type { ConsoleMessage, ConsoleView } from '@datapunk/protocol/console'
import { MAX_WAITING, PageFeed } from './page-feed.ts'

/** A page that takes what it is told when the test says so. */
class SlowPage {
  /** Whatever was sent to it, taken or not. */
  readonly sent: ConsoleMessage[] = []
  isFull = false
  readonly feed: PageFeed
  #taken: () => void = () => {}

  constructor() {
    const out = new Writable({
      decodeStrings: false,
      write: (text: string, _encoding, taken) => {
        for (const line of text.split('\n').slice(0, -1)) this.sent.push(JSON.parse(line))
        this.#taken = taken
      },
    })
    this.feed = new PageFeed(out, () => {
      this.isFull = true
    })
  }

  take(): void {
    this.#taken()
  }
}

const beat = (at: number): ConsoleMessage => ({ type: 'beat', at })
const wordOf = (length: number): ConsoleMessage => ({
  ...{ type: 'authority', reachable: true },
  message: 'x'.repeat(length),
})
const largeView: ConsoleMessage = {
  type: 'view',
  view: { mesh: {}, services: [wordOf(3 * MAX_WAITING)] } as unknown as ConsoleView,
}

describe('what a page is told', () => {
  test('is sent in order, and nothing before what was sent is taken', () => {
    const page = new SlowPage()
    for (const at of [1, 2, 3]) page.feed.tell(beat(at))
    assert.deepEqual(page.sent, [beat(1)])
    page.take()
    assert.deepEqual(page.sent, [beat(1), beat(2), beat(3)])
    page.take()
    page.feed.tell(beat(4))
    assert.deepEqual(page.sent.at(-1), beat(4))
  })

  test('is a view of any length, and what comes before it is taken', () => {
    const page = new SlowPage()
    const all = [beat(1), wordOf(10), largeView, wordOf(20)]
    for (const message of all) page.feed.tell(message)
    page.take()
    assert.deepEqual(page.sent, all)
    page.feed.tell(wordOf(MAX_WAITING / 2))
    assert.equal(page.isFull, false)
    page.take()
    assert.deepEqual(page.sent.at(-1), wordOf(MAX_WAITING / 2))
  })

  test('is no more than may wait, until some of it is taken', () => {
    const page = new SlowPage()
    page.feed.tell(largeView)
    for (let round = 0; round < 3; round++) {
      page.feed.tell(wordOf(MAX_WAITING * 0.6))
      assert.equal(page.isFull, false)
      page.take()
    }
    page.feed.tell(wordOf(MAX_WAITING * 0.6))
    page.feed.tell(wordOf(MAX_WAITING * 0.6))
    assert.equal(page.isFull, true)
  })

  test('is stuck where the page takes none of it from one look to the next', () => {
    const page = new SlowPage()
    assert.equal(page.feed.isStuck(), false)
    page.feed.tell(largeView)
    assert.equal(page.feed.isStuck(), false)
    page.feed.tell(beat(1))
    page.take()
    assert.equal(page.feed.isStuck(), false)
    assert.equal(page.feed.isStuck(), true)
  })
})
