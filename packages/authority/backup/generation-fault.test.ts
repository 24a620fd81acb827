import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Engine } from '../engine/engine.ts'
import { generationFault } from './generation-fault.ts'

test('a generation that has begun is told as long as nothing of it is published', () => {
  const fault = (generation: number, published: number | undefined) => {
    const store = {
      mesh: () => ({ generation }),
      bundle: () => (published === undefined ? undefined : { generation: published, counter: 1 }),
    }
    return generationFault({ store } as unknown as Pick<Engine, 'store'>)
  }
  assert.equal(fault(2, 1), 'generation 2 is not published yet: `mtls apply` publishes it')
  assert.equal(fault(2, 2), undefined)
  assert.equal(fault(1, undefined), undefined)
})
