import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConsoleMessage, ConsoleView } from '@datapunk/protocol/console'
import { FakeMesh } from './fake-mesh.ts'

const NOW = Date.UTC(2026, 10, 27)
const meshOf = (services: number) => new FakeMesh({ services, clock: () => NOW })

function heardFrom(mesh: FakeMesh): { messages: ConsoleMessage[]; view: ConsoleView } {
  const messages: ConsoleMessage[] = []
  mesh.live.watch((message) => messages.push(message))
  const [first] = messages
  assert.ok(first?.type === 'view')
  return { messages, view: first.view }
}

describe('FakeMesh', () => {
  test('is the same for the same number of services, with a name for each', () => {
    const { view } = heardFrom(meshOf(1000))
    assert.deepEqual(heardFrom(meshOf(1000)).view, view)
    assert.equal(new Set(view.services.map(({ service }) => service)).size, 1000)
    assert.deepEqual(
      heardFrom(meshOf(3)).view.services.map(({ service }) => service),
      ['lake', 'nexus', 'stream'],
    )
  })

  test('links only services that it has', () => {
    const { view } = heardFrom(meshOf(40))
    const names = new Set(view.services.map(({ service }) => service))
    assert.ok(view.links.length > 40)
    assert.ok(
      view.links.every(({ caller, callee }) => names.has(caller) && names.has(callee) && caller !== callee),
    )
  })

  test('cuts on a revocation, first pending and then enforced', async () => {
    const mesh = meshOf(3)
    const { messages } = heardFrom(mesh)
    await mesh.act({ action: 'revoke', target: { service: 'lake' }, reason: 'key-compromise' })
    const pending = messages.flatMap((one) => (one.type === 'change' ? (one.revocations ?? []) : []))
    assert.deepEqual(
      pending.map((one) => [one.service, one.pending]),
      [
        ...[
          ['lake', true],
          ['lake', true],
          ['lake', false],
          ['lake', false],
        ],
      ],
    )
    assert.deepEqual(
      mesh.links.map(({ caller, callee }) => `${caller} ${callee}`),
      ['nexus stream'],
    )
  })

  test('has new certificates after a rotation', async () => {
    const mesh = meshOf(3)
    const serials = async () => (await mesh.service('nexus'))!.certificates.map(({ serial }) => serial)
    const before = await serials()
    await mesh.act({ action: 'rotate', service: 'nexus' })
    assert.equal((await serials()).length, before.length + 2)
  })

  test('refuses what it is told to refuse, and what is nobody', async () => {
    const mesh = meshOf(3)
    await assert.rejects(mesh.plan({ action: 'rotate', service: 'pond' }), { code: 'NOT_A_MEMBER' })
    mesh.refusal = 'the authority does not answer'
    await assert.rejects(mesh.act({ action: 'rotate', service: 'lake' }), { code: 'REFUSED' })
  })

  test('before the first apply has nothing', async () => {
    const { view } = heardFrom(meshOf(0))
    assert.deepEqual([view.services, view.mesh.bundle, view.mesh.outage], [[], null, null])
    assert.equal(await meshOf(0).log(undefined), undefined)
  })
})
