import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearestTowards } from './nearest.ts'

// 0 1 2
// 3 . 4
const points = [
  [0, 0],
  [100, 0],
  [200, 0],
  [0, 50],
  [200, 50],
].map(([x, y]) => ({ x: x!, y: y! }))

test('arrow keys go straight on, to the next', () => {
  const from = (at: number, key: string) => nearestTowards(key, points[at]!, points)
  assert.equal(from(0, 'ArrowRight'), 1)
  assert.equal(from(2, 'ArrowLeft'), 1)
  assert.equal(from(0, 'ArrowDown'), 3)
  assert.equal(from(4, 'ArrowUp'), 2)
  assert.equal(from(3, 'ArrowRight'), 4)
})

test('beyond the last there is nothing, and other keys lead nowhere', () => {
  assert.equal(nearestTowards('ArrowLeft', points[0]!, points), undefined)
  assert.equal(nearestTowards('Enter', points[0]!, points), undefined)
})
