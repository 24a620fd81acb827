import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consoleEvent } from './console-events.ts'

const shown = (kind: string, detail: Record<string, unknown> = {}) =>
  consoleEvent({ position: '1', event: { kind, subject: 'lake', at: '', detail } })

test('an event is shown as bad as it is', () => {
  const kinds = ['peer-refused', 'reload-failed', 'log-unavailable', 'service-barred', 'certificate-issued']
  assert.deepEqual(
    kinds.map((kind) => shown(kind).state),
    ['bad', 'bad', 'bad', 'warning', 'good'],
  )
})

test('an event is shown with its message, or with all that it says, and nothing that a terminal or page would obey', () => {
  assert.equal(shown('problem', { message: 'no\u001b[2J space' }).text.includes('\u001b'), false)
  assert.match(shown('certificate-issued', { instance: 'lake-1' }).text, /instance lake-1/)
})
