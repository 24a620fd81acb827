import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { EMPTY_ROOT } from './tree-hash.ts'

const root = Buffer.alloc(32, 7)
const good = formatCheckpoint({ origin: 'log.example/2026', size: 70_000, root })

describe('checkpoints', () => {
  it('are three lines', () => {
    assert.equal(good, `log.example/2026\n70000\n${root.toString('base64')}\n`)
  })

  it('come back', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(
        fc.webPath(),
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        hash,
        (path, size, root) => {
          const checkpoint = { origin: `log.example${path}`, size, root }
          const parsed = parseCheckpoint(formatCheckpoint(checkpoint))
          assert.deepEqual({ ...parsed, root: Uint8Array.from(parsed.root) }, checkpoint)
        },
      ),
    )
  })

  it('of an empty tree have its one root', () => {
    const empty = formatCheckpoint({ origin: 'o', size: 0, root: EMPTY_ROOT })
    assert.equal(parseCheckpoint(empty).size, 0)
    assert.throws(() => parseCheckpoint(formatCheckpoint({ origin: 'o', size: 0, root })), {
      code: 'CHECKPOINT_INVALID',
    })
  })

  it('have one spelling', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.string({ unit: 'binary', maxLength: 2 }), (at, spoilt) => {
        const text = good.slice(0, at) + spoilt + good.slice(at + 1)
        try {
          assert.equal(formatCheckpoint(parseCheckpoint(text)), text)
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, 'CHECKPOINT_INVALID')
        }
      }),
    )
  })

  for (const [why, text] of [
    ['nothing', ''],
    ['two lines', 'o\n1\n'],
    ['no newline at the end', good.slice(0, -1)],
    ['an extension line', `${good}more\n`],
    ['an empty line more', `${good}\n`],
    ['no origin', good.slice(good.indexOf('\n'))],
    ['a leading zero', good.replace('70000', '070000')],
    ['a sign', good.replace('70000', '+70000')],
    ['hexadecimal', good.replace('70000', '0x7')],
    ['an exponent', good.replace('70000', '7e4')],
    ['a size of 2^53', good.replace('70000', String(2 ** 53))],
    ['a size of many digits', good.replace('70000', '9'.repeat(100_000))],
    ['a root too short', good.replace(/.{4}=\n$/, '=\n')],
    ['a root whose last bits are not zero', good.replace(/c=\n$/, 'd=\n')],
    ['the other base64', good.replace('Bwc', 'B-_')],
    ['carriage returns', good.replaceAll('\n', '\r\n')],
  ] as const) {
    it(`are refused with ${why}`, () => {
      assert.throws(() => parseCheckpoint(text), { code: 'CHECKPOINT_INVALID' })
    })
  }

  it('are not made of what could not be read', () => {
    for (const spoilt of [{ origin: '' }, { origin: 'a\nb' }, { size: -1 }, { root: Buffer.alloc(31) }])
      assert.throws(() => formatCheckpoint({ origin: 'o', size: 1, root, ...spoilt }), RangeError)
  })
})
