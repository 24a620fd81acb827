import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shownHeaders, shownObject } from './shown-object.ts'

const hash = 'ab'.repeat(32)

test('a log shows its checkpoint, issuers and tiles, each for what it is', () => {
  for (const [path, type, caching] of [
    ['checkpoint', 'text/plain; charset=utf-8', 'public, max-age=5'],
    [`issuer/${hash}`, 'application/pkix-cert', 'public, max-age=31536000, immutable'],
    ['tile/0/000', 'application/octet-stream', 'public, max-age=31536000, immutable'],
    ['tile/data/x001/234.p/7', 'application/octet-stream', 'public, max-age=31536000, immutable'],
  ] as const) {
    assert.deepEqual(shownHeaders(shownObject(path)!, 5), {
      'content-type': type,
      'content-length': '5',
      'cache-control': caching,
      'x-content-type-options': 'nosniff',
    })
  }
})

test('nothing else has a name, whatever lies in its folder', () => {
  for (const path of [
    ...[
      '',
      'checkpoint/',
      'Checkpoint',
      '../checkpoint',
      'key.pem',
      'lock.db',
      'staging/1',
      'tile',
      'tile/0',
    ],
    ...[
      `issuer/${hash}0`,
      `issuer/${hash.toUpperCase()}`,
      `issuer/../${hash}`,
      'tile/0/1',
      'tile/0/000.p/256',
    ],
  ])
    assert.equal(shownObject(path), undefined, path)
})
