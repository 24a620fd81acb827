import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cellGrid } from './cell-grid.ts'

test('cells lie in rows as wide as there is room', () => {
  const grid = cellGrid(7, 470)
  assert.deepEqual([grid.columns, grid.width, grid.height], [3, 456, 114])
  assert.deepEqual(grid.middle(0), { x: 74, y: 17 })
  assert.deepEqual(grid.middle(4), { x: 228, y: 57 })
})

test('there is always one column', () => assert.equal(cellGrid(3, 10).columns, 1))
