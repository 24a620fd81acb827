import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Pair } from './map-layers.ts'
import { type MapLayout, mapLayout } from './map-layout.ts'

const pair = (caller: string, callee: string): Pair => ({ caller, callee })
const three = {
  names: ['lake', 'nexus', 'stream'],
  pairs: [pair('nexus', 'lake'), pair('nexus', 'stream'), pair('stream', 'lake')],
}

/** A mesh of up to 30 services, who calls whom as it comes: rings and calls of oneself too. */
const meshes = fc
  .integer({ min: 1, max: 30 })
  .chain((count) =>
    fc.record({
      names: fc.constant(Array.from({ length: count }, (_, at) => `s${String(at).padStart(2, '0')}`)),
      calls: fc.uniqueArray(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), {
        maxLength: 60,
        selector: String,
      }),
    }),
  )
  .map(({ names, calls }) => ({ names, pairs: calls.map(([a, b]) => pair(names[a]!, names[b]!)) }))

function overlaps({ nodes, node }: MapLayout): string[] {
  const placed = [...nodes]
  return placed.flatMap(([name, one], at) =>
    placed
      .slice(at + 1)
      .filter(
        ([, other]) => Math.abs(one.x - other.x) < node.width && Math.abs(one.y - other.y) < node.height,
      )
      .map(([other]) => `${name} and ${other}`),
  )
}

describe('mapLayout', () => {
  test('has callers left of those they call', () => {
    const { nodes } = mapLayout(three.names, three.pairs, 900)
    const x = (name: string) => nodes.get(name)!.x
    assert.ok(x('nexus') < x('stream') && x('stream') < x('lake'))
  })

  test('has callers above where it is narrow', () => {
    const { nodes, width } = mapLayout(three.names, three.pairs, 360)
    const y = (name: string) => nodes.get(name)!.y
    assert.ok(y('nexus') < y('stream') && y('stream') < y('lake'))
    assert.ok(width <= 360)
  })

  test('places every service in the map, none upon another, and draws every pair but calls of oneself', () => {
    fc.assert(
      fc.property(meshes, fc.integer({ min: 300, max: 1600 }), ({ names, pairs }, room) => {
        const layout = mapLayout(names, pairs, room)
        assert.deepEqual([...layout.nodes.keys()].sort(), names)
        assert.deepEqual(overlaps(layout), [])
        for (const { x, y } of layout.nodes.values()) {
          assert.ok(x >= 0 && x + layout.node.width <= layout.width, `${x} of ${layout.width}`)
          assert.ok(y >= 0 && y + layout.node.height <= layout.height, `${y} of ${layout.height}`)
        }
        const drawn = new Set(layout.lines.map(({ pair }) => pair))
        assert.deepEqual(drawn, new Set(pairs.filter(({ caller, callee }) => caller !== callee)))
      }),
      { numRuns: 200 },
    )
  })

  test('is the same map for the same mesh, in whatever order it is told', () => {
    fc.assert(
      fc.property(meshes, ({ names, pairs }) => {
        const { nodes } = mapLayout(names, pairs, 900)
        assert.deepEqual(mapLayout(names, pairs.toReversed(), 900).nodes.size, nodes.size)
        assert.deepEqual(mapLayout(names, pairs, 900), mapLayout(names, pairs, 900))
      }),
      { numRuns: 50 },
    )
  })

  test('turns lines apart that would cross', () => {
    const pairs = [pair('a1', 'b2'), pair('a2', 'b1')]
    const { nodes } = mapLayout(['a1', 'a2', 'b1', 'b2'], pairs, 900)
    const y = (name: string) => nodes.get(name)!.y
    assert.equal(y('a1') < y('a2'), y('b2') < y('b1'))
  })

  test('draws the line of a ring back to its caller’s own callee', () => {
    const { nodes, lines, node } = mapLayout(['a', 'b'], [pair('a', 'b'), pair('b', 'a')], 900)
    const back = lines.find((line) => line.pair.caller === 'b')!
    const [left, right] = ['a', 'b'].toSorted((one, other) => nodes.get(one)!.x - nodes.get(other)!.x)
    assert.deepEqual([left, right], ['a', 'b'])
    assert.ok(back.path.startsWith(`M${nodes.get('b')!.x},`))
    const end = Number(/([\d.]+),[\d.]+$/.exec(back.path)?.[1])
    assert.equal(end, nodes.get('a')!.x + node.width + 8)
  })

  test('has services that nobody calls in rows below', () => {
    const names = [...three.names, 'x1', 'x2']
    const { nodes } = mapLayout(names, three.pairs, 900)
    const lowest = Math.max(...three.names.map((name) => nodes.get(name)!.y))
    assert.ok(nodes.get('x1')!.y > lowest)
    assert.equal(nodes.get('x1')!.y, nodes.get('x2')!.y)
  })

  test('of no services is empty', () => {
    assert.deepEqual(mapLayout([], [], 900).nodes.size, 0)
  })
})
