import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TemplateResult } from 'lit-html'
import { prose } from './prose.ts'

/** As it would be drawn. */
function drawn(part: unknown): string {
  if (Array.isArray(part)) return part.map(drawn).join('')
  if (typeof part === 'string') return part
  const { strings, values } = part as TemplateResult
  return strings.map((text, at) => text + drawn(values[at] ?? '')).join('')
}

test('what is to be typed, and times, stand apart', () => {
  assert.equal(
    drawn(prose('late: try `mtls status`, or wait')),
    'late: try <code>mtls status</code>, or wait',
  )
  assert.equal(drawn(prose('`a` `b`')), '<code>a</code> <code>b</code>')
  assert.equal(drawn(prose('until 2026-11-27T04:12:49Z')), 'until <time>2026-11-27T04:12:49Z</time>')
  for (const plain of ['', 'nothing here', 'one ` alone', '``']) assert.equal(drawn(prose(plain)), plain)
})
