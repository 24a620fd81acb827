import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Administration, Enforcement, RotateReport } from '@datapunk/authority'
import { actOn, planOfAction } from './actions.ts'

const bundle = { generation: 1, counter: 2 }
const pair = { service: 'lake', instance: 'lake', serial: '0123456789abcdef0123', notAfter: 0 }
const nothing: RotateReport = { rotated: [], failed: [], slots: [], waits: [], asks: [] }
const everybody: Enforcement = {
  ...{ enforced: [], late: [], silent: [], byFile: [], untold: [], served: true },
}

/** An authority that answers so, and remembers what it was asked. */
function authority({ rotates = nothing, enforces = everybody } = {}) {
  const asked: unknown[] = []
  const noted =
    <Answer>(answer: Answer) =>
    async (request: unknown) => {
      asked.push(request)
      return answer
    }
  const administration = {
    rotate: noted(rotates),
    revoke: noted({ at: 0, bundle, revoked: [{ serial: pair.serial }], already: [] }),
    enforcement: async () => enforces,
    previewRotation: noted({ certificates: [pair], peers: [], connections: 2, absent: [], elsewhere: [] }),
    previewRevocation: noted({
      ...{ certificates: [], bars: ['lake'], lastOf: ['lake'], cas: [], already: [], cuts: [], peers: [] },
    }),
  } as unknown as Administration
  return { administration, asked }
}

const rotate = { action: 'rotate', service: 'lake' } as const
const revoke = { action: 'revoke', target: { service: 'lake' }, reason: 'superseded' } as const

describe('an action of the page', () => {
  test('is planned as the command that does the same', async () => {
    const { administration, asked } = authority()
    const plans = [await planOfAction(administration, rotate), await planOfAction(administration, revoke)]
    assert.deepEqual(
      plans.map(({ command }) => command),
      ['mtls rotate lake', 'mtls revoke lake --reason superseded'],
    )
    assert.deepEqual(asked, [
      { what: 'pairs', service: 'lake' },
      { targets: [{ service: 'lake' }], reason: 'superseded' },
    ])
  })

  test('that rotates says what there is now, or why there is not', async () => {
    const cases: readonly [Partial<RotateReport>, state: string, text: string][] = [
      [{ rotated: [pair] }, 'good', 'lake has 0123456789abcdef now'],
      [{}, 'good', 'nothing was to be rotated'],
      [
        { rotated: [pair], failed: [{ instance: 'lake-2', message: 'the disk is full' }] },
        'bad',
        'lake-2: the disk is full',
      ],
    ]
    for (const [report, state, text] of cases) {
      const { administration } = authority({ rotates: { ...nothing, ...report } })
      assert.deepEqual(await actOn(administration, rotate), { state, text })
    }
  })

  test('that revokes is good once everybody enforces it', async () => {
    const cases: readonly [Partial<Enforcement>, state: string][] = [
      [{}, 'good'],
      [{ late: ['stream'] }, 'bad'],
      [{ untold: ['redis'] }, 'bad'],
    ]
    for (const [enforcement, state] of cases) {
      const { administration, asked } = authority({ enforces: { ...everybody, ...enforcement } })
      const done = await actOn(administration, revoke)
      assert.equal(done.state, state)
      assert.match(done.text, /^1 certificate revoked/)
      assert.deepEqual(asked, [{ targets: [{ service: 'lake' }], reason: 'superseded' }])
    }
  })
})
