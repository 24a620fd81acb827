import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { dataTilePath, parseTilePath, tilePath } from './tile-path.ts'

const width = fc.integer({ min: 1, max: 256 })

describe('paths of tiles', () => {
  it('are spelled as C2SP spells them', () => {
    assert.equal(tilePath({ level: 0, index: 1_234_067, width: 256 }), 'tile/0/x001/x234/067')
    assert.equal(tilePath({ level: 0, index: 1_234_067, width: 3 }), 'tile/0/x001/x234/067.p/3')
    assert.equal(tilePath({ level: 5, index: 0, width: 1 }), 'tile/5/000.p/1')
    assert.equal(dataTilePath(999, 256), 'tile/data/999')
    assert.equal(dataTilePath(1000, 255), 'tile/data/x001/000.p/255')
  })

  it('come back', () => {
    fc.assert(
      fc.property(fc.nat(6), fc.maxSafeNat(), width, (level, index, width) => {
        const tile = { level, index, width }
        assert.deepEqual(parseTilePath(tilePath(tile)), { kind: 'hashes', tile })
        assert.deepEqual(parseTilePath(dataTilePath(index, width)), { kind: 'data', index, width })
      }),
    )
  })

  it('have one spelling each, and no other text is one', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^tile\/[0-9]\/(x\d\d\d\/){0,6}\d\d\d(\.p\/\d{1,3})?$/), (path) => {
        const parsed = parseTilePath(path)
        if (parsed?.kind === 'hashes') assert.equal(tilePath(parsed.tile), path)
      }),
    )
    fc.assert(fc.property(fc.string(), (path) => assert.equal(parseTilePath(path), undefined)))
  })

  for (const path of [
    'tile/0/x000/067',
    'tile/0/67',
    'tile/0/001/234',
    'tile/0/x001/x234',
    'tile/00/001',
    'tile/7/001',
    'tile/-1/001',
    'tile/0/001.p/0',
    'tile/0/001.p/256',
    'tile/0/001.p/01',
    'tile/0/001.p/',
    'tile/0/x999/x999/x999/x999/x999/999',
    'tile/0/001\n',
    '/tile/0/001',
    'tile/0/../data/001',
    'tile/entries/001',
    'tile/data/0/001',
    `tile/0/${'x001/'.repeat(100_000)}001`,
  ]) {
    it(`are not ${JSON.stringify(path.slice(0, 40))}`, () => {
      assert.equal(parseTilePath(path), undefined)
    })
  }

  it('are not asked for of tiles that cannot be', () => {
    for (const tile of [
      { level: 7, index: 0, width: 1 },
      { level: 0, index: -1, width: 1 },
      { level: 0, index: 0.5, width: 1 },
      { level: 0, index: 0, width: 0 },
      { level: 0, index: 0, width: 257 },
    ])
      assert.throws(() => tilePath(tile), RangeError)
  })
})
