import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConsoleMessage, ConsoleView } from '@datapunk/protocol/console'
import fc from 'fast-check'
import { FakeMesh } from '../testing/fake-mesh.ts'
import { afterMessage, type MeshView, NOTHING_SAID } from './mesh-view.ts'

const NOW = Date.UTC(2026, 10, 27)

/** A mesh, and what a page knows of it that has been told everything. */
function followed(services: number) {
  const mesh = new FakeMesh({ services, clock: () => NOW })
  const told = { view: NOTHING_SAID, at: NOW }
  const hear = (message: ConsoleMessage) => {
    told.view = afterMessage(told.view, message, told.at)
  }
  mesh.live.watch(hear)
  return { mesh, told, hear }
}

function whole(mesh: FakeMesh): ConsoleView {
  let view: ConsoleView | undefined
  mesh.live.watch((message) => {
    if (message.type === 'view') view = message.view
  })()
  return view!
}

describe('what is known of the mesh', () => {
  test('is the same by changes as by the whole view', async () => {
    const deeds = fc.array(fc.tuple(fc.constantFrom('revoke', 'rotate', 'late', 'gone', 'links'), fc.nat(6)))
    await fc.assert(
      fc.asyncProperty(deeds, async (all) => {
        const { mesh, told } = followed(7)
        for (const [deed, number] of all) {
          const service = [...mesh.services.keys()][number % Math.max(1, mesh.services.size)]
          if (service === undefined) continue
          if (deed === 'revoke')
            await mesh.act({ action: 'revoke', target: { service }, reason: 'superseded' })
          if (deed === 'rotate') await mesh.act({ action: 'rotate', service })
          if (deed === 'late') mesh.publish(service)
          if (deed === 'gone') mesh.services.delete(service)
          if (deed === 'links') mesh.links = mesh.links.map((link) => ({ ...link, count: link.count + 1 }))
          mesh.show()
        }
        assert.deepEqual(told.view.view, whole(mesh))
      }),
      { numRuns: 50 },
    )
  })

  test('keeps services that are the same as the same objects, also over a break', () => {
    const { mesh, told, hear } = followed(3)
    const before = told.view.view!.services
    mesh.services.get('lake')!.trouble = 'no valid certificate'
    mesh.show()
    const after = told.view.view!.services
    assert.deepEqual(
      after.map((one, at) => one === before[at]),
      [false, true, true],
    )
    hear({ type: 'view', view: structuredClone(whole(mesh)) })
    assert.ok(told.view.view!.services.every((one, at) => one === after[at]))
  })

  test('marks what changed, and lines that were cut', async () => {
    const { mesh, told } = followed(3)
    mesh.links = [{ caller: 'nexus', callee: 'lake', count: 3 }]
    mesh.show()
    assert.deepEqual(
      told.view.changed.cut.map(({ caller }) => caller),
      ['stream', 'nexus'],
    )
    mesh.services.get('lake')!.trouble = 'no valid certificate'
    mesh.show()
    assert.deepEqual([...told.view.changed.services], ['lake'])
  })

  test('remembers pairs that are connected no more, while their services are there', () => {
    const { mesh, told } = followed(3)
    const { pairs } = told.view
    assert.equal(pairs.length, 3)
    mesh.links = []
    mesh.show()
    assert.equal(told.view.pairs, pairs)
    mesh.services.delete('lake')
    mesh.show()
    assert.deepEqual(told.view.pairs, [{ caller: 'nexus', callee: 'stream' }])
  })

  test('has each event once, the newest first, though a break tells them again', () => {
    const { mesh, told, hear } = followed(3)
    mesh.happened('bundle-published', 'mesh', 'number 1.43')
    mesh.happened('certificate-issued', 'lake', 'by hand')
    const kinds = () => told.view.events.map(({ kind }) => kind)
    assert.deepEqual(kinds(), ['certificate-issued', 'bundle-published'])
    mesh.live.watch(hear)()
    assert.deepEqual(kinds(), ['certificate-issued', 'bundle-published'])
  })

  test('says that the authority is away, and that it is back', () => {
    const { mesh, told } = followed(3)
    mesh.authority(false)
    assert.equal(told.view.unreachable, 'The authority does not answer.')
    mesh.authority(true)
    assert.equal(told.view.unreachable, undefined)
  })

  test('is nothing by a change alone', () => {
    const told: MeshView = afterMessage(NOTHING_SAID, { type: 'change', gone: ['lake'] }, NOW)
    assert.equal(told, NOTHING_SAID)
  })
})
