import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toldEventText } from './event-text.ts'

test('an event is one line, whatever others have said in it', () => {
  const at = '2026-06-01T00:00:00.000Z'
  const message =
    'found one\n2026-06-01T00:00:00Z  lake  certificate issued\u001b[2K\r\u009b31m\u2028forged\u202e'
  const plain = (_: string, text: string) => text
  const forged = { kind: 'log-alarm', subject: 'la\nke', at, detail: { rule: 'MISISSUED\u001b[1A', message } }
  assert.equal(
    toldEventText(forged, plain),
    '2026-06-01T00:00:00Z  la ke       log alarm                   rule MISISSUED, message found one 2026-06-01T00:00:00Z  lake  certificate issued forged',
  )
  // What `mtls up` says itself may be several lines, and nothing but that.
  const waiting = { kind: 'waiting', subject: 'mesh', at, detail: { message: 'for these:\n  lake\u001b[2K' } }
  assert.equal(toldEventText(waiting, plain), '2026-06-01T00:00:00Z  for these:\n  lake')
})
