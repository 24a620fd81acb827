import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_DIFFERENCE_AHEAD, MessageReader } from '@datapunk/protocol'
import { rotate } from '../rotation/rotate.ts'
import { PeerSocket } from '../testing/peer-socket.ts'
import { type Announcement, announcementOf } from './announcement.ts'
import { DifferenceCache } from './difference-cache.ts'
import { publicationOf } from './publication.ts'

function typesIn(announcement: Announcement | undefined): string[] {
  const messages = MessageReader.ofAuthority().read(announcement!.ahead!.sectionsAndHead)
  return [...messages].map(({ type }) => type)
}

test('what has changed goes ahead of the head, to whoever has what was there before', async (t) => {
  const { engine } = await PeerSocket.served(t)
  const before = publicationOf(engine.store)
  const differences = new DifferenceCache()
  assert.equal(announcementOf(before, undefined, differences)?.ahead, undefined)
  await rotate(engine, { what: 'pairs' })
  const now = publicationOf(engine.store)
  const announcement = announcementOf(now, before, differences)
  assert.equal(announcement?.ahead?.of, before.bundle)
  const types = typesIn(announcement)
  assert.deepEqual([types.at(-1), new Set(types.slice(0, -1))], ['head', new Set(['section'])])
  assert.deepEqual(typesIn(announcementOf(now, now, differences)), ['head'])
})

test('what is as long as the section itself, or too long to go ahead, does not', async (t) => {
  const { engine } = await PeerSocket.served(t)
  const before = publicationOf(engine.store)
  await rotate(engine, { what: 'pairs' })
  const now = publicationOf(engine.store)
  const ahead = (difference: Uint8Array | undefined) =>
    typesIn(announcementOf(now, before, { of: () => difference } as unknown as DifferenceCache)).length > 1
  assert.deepEqual(
    [undefined, new Uint8Array(MAX_DIFFERENCE_AHEAD), new Uint8Array(MAX_DIFFERENCE_AHEAD + 1)].map(ahead),
    [false, true, false],
  )
})

test('a difference is made once for all who need it, and few are kept', () => {
  const differences = new DifferenceCache()
  let made = 0
  const ask = (to: string) =>
    differences.of(
      { kind: 'members', from: 'a', to },
      () => {
        made++
        return undefined
      },
      new Uint8Array(),
    )
  for (const to of ['b', 'b', 'c', 'b']) assert.equal(ask(to), undefined)
  assert.equal(made, 2)
  for (let n = 0; n < 8; n++) ask(`${n}`)
  ask('b')
  assert.equal(made, 11)
})
