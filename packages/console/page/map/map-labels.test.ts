import assert from 'node:assert/strict'
import { test } from 'node:test'
import { labelPlaces } from './map-labels.ts'

const hop = (y: number) => ({ from: { x: 0, y: 0 }, to: { x: 100, y }, flow: 'right' }) as const

test('a label lies in the middle of its curve', () => {
  assert.deepEqual(labelPlaces([hop(40)]), [{ x: 50, y: 20 }])
  assert.deepEqual(labelPlaces([{ ...hop(40), flow: 'down' }]), [{ x: 50, y: 20 }])
})

test('two that would lie upon each other part, as long as there is room', () => {
  const [first, second, third] = labelPlaces([hop(200), hop(202), hop(10)])
  assert.ok(Math.abs(first!.y - second!.y) >= 16 || Math.abs(first!.x - second!.x) >= 34)
  assert.deepEqual(third, { x: 50, y: 5 })
})
