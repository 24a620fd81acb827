import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogError } from '../log-error.ts'
import { refusalOf } from './refusal.ts'

test('whoever asks is told what he did wrong, and nothing of what went wrong in here', () => {
  const message = 'found /var/lib/log altered'
  assert.deepEqual(refusalOf(new LogError('SUBMISSION_REFUSED', message)), { status: 400, message })
  for (const error of [
    new LogError('LOG_DAMAGED', message),
    new LogError('LOG_UNREADABLE', message),
    new TypeError(message),
  ]) {
    const { status, message: told } = refusalOf(error)
    assert.ok(status >= 500)
    assert.doesNotMatch(told, /var/)
  }
})
