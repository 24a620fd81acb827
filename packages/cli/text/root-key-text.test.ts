import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RootKeyAsk } from '@datapunk/authority'
import { askText } from './root-key-text.ts'

test('says what the key of a root is needed for', () => {
  const keys = [{ slot: 'root-2', path: '/certs/ca.key' }]
  const until = Date.UTC(2029, 4, 31)
  const reason = 'it is due'
  const asks: readonly [RootKeyAsk['step'], RegExp][] = [
    [{ kind: 'prepare', slotKind: 'root', reason }, /, to sign the next root \(it is due\)/],
    [{ kind: 'prepare', slotKind: 'issuing-ca', reason }, /, to sign the next issuing CA \(/],
    [{ kind: 'publish-trust-statement', reason }, /, to sign the next trust statement \(/],
    [{ kind: 'publish-lists', slots: ['root-2'], reason }, /, to sign its next revocation list \(/],
    [{ kind: 'compromise', slotKind: 'issuing-ca', slots: [], reason }, /, to replace an issuing CA that /],
  ]
  for (const [step, purpose] of asks) {
    const text = askText({ step, keys, until })
    assert.match(text, /^the key of root-2 is needed at \/certs\/ca\.key, .* by 2029-05-31T00:00:00Z: /)
    assert.match(text, purpose)
  }
})
