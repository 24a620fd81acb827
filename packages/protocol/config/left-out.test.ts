import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LeftOut } from './left-out.ts'
import { type Path, valueAt } from './value-path.ts'

/** Lists and objects, whose other values are all different: each is its own path. */
const named = fc
  .letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.constant(0),
      fc.array(tie('node'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('node')),
    ),
  }))
  .node.map((shape) => nameLeaves(shape, []))

function nameLeaves(shape: unknown, path: Path): unknown {
  if (Array.isArray(shape)) return shape.map((each, at) => nameLeaves(each, [...path, at]))
  if (typeof shape !== 'object' || shape === null) return path.map(String).join('.')
  return Object.fromEntries(
    Object.entries(shape).map(([key, each]) => [key, nameLeaves(each, [...path, key])]),
  )
}

function leavesOf(value: unknown, path: Path = []): { readonly path: Path; readonly leaf: unknown }[] {
  if (Array.isArray(value)) return value.flatMap((each, at) => leavesOf(each, [...path, at]))
  if (typeof value !== 'object' || value === null) return [{ path, leaf: value }]
  return Object.entries(value).flatMap(([key, each]) => leavesOf(each, [...path, key]))
}

test('what is left lies where it is said to have lain, in whatever order the others were left out', () => {
  fc.assert(
    fc.property(named, fc.array(fc.nat()), (value, picks) => {
      const leaves = leavesOf(value)
      const paths = picks.map((pick) => {
        const { path } = leaves[pick % Math.max(1, leaves.length)] ?? { path: ['a'] }
        return path.slice(0, Math.max(1, path.length - (pick % 2)))
      })
      const leftOut = new LeftOut()
      for (const path of paths) leftOut.add(path)
      const left = leavesOf(leftOut.without(value))
      for (const { path, leaf } of left) assert.equal(valueAt(value, leftOut.originalOf(path)), leaf)
      const isLeft = ({ path }: { readonly path: Path }) =>
        paths.every((out) => out.length > path.length || out.some((key, at) => key !== path[at]))
      assert.deepEqual(
        new Set(left.map(({ leaf }) => leaf)),
        new Set(leaves.filter(isLeft).map(({ leaf }) => leaf)),
      )
    }),
  )
})
