import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { FakeMesh } from '../testing/fake-mesh.ts'
import { pageCommands } from './page-commands.ts'
import { PageError } from './page-error.ts'
import { firstState, nextState, planOf, presentValue } from './page-state.ts'
import { RestLoader } from './rest-loader.ts'
import type { CallOptions } from './session/call.ts'
import { createStore } from './store.ts'

const NOW = Date.UTC(2026, 10, 27)

/** A page over a fake mesh, without a server between them. */
function pageOver(services: number) {
  const mesh = new FakeMesh({ services, clock: () => NOW })
  const store = createStore(firstState(NOW), nextState)
  mesh.live.watch((message) => store.send({ type: 'said', message, at: NOW }))
  const page = {
    ...{ mesh, store, ended: [] as (string | undefined)[], asked: [] as string[] },
    refusal: undefined as PageError | undefined,
    /** What every answer waits for. */
    delay: Promise.resolve(),
  }
  const call = async (path: string, { body }: CallOptions = {}) => {
    page.asked.push(path)
    await page.delay
    if (page.refusal !== undefined) throw page.refusal
    const answer = await answerOf(mesh, new URL(path, 'http://console'), body)
    if (answer === undefined) throw new PageError('NOT_FOUND', 'there is nothing of that name')
    return new Response(JSON.stringify(answer))
  }
  const onEnd = (reason: string | undefined) => void page.ended.push(reason)
  const { load, checkProof } = new RestLoader()
  return { ...page, page, commands: pageCommands({ store, call, loadRest: load, checkProof, onEnd }) }
}

async function answerOf(mesh: FakeMesh, { pathname, searchParams }: URL, body: unknown): Promise<unknown> {
  const before = searchParams.has('before') ? Number(searchParams.get('before')) : undefined
  if (pathname === '/api/service') return mesh.service(searchParams.get('service')!)
  if (pathname === '/api/audit') return mesh.audit(before)
  if (pathname === '/api/log') return mesh.log(before)
  if (pathname === '/api/proof') return mesh.proof(searchParams.get('serial')!)
  if (pathname === '/api/plan') return mesh.plan(body as never).catch(refusal)
  return mesh.act(body as never).catch(refusal)
}

function refusal(error: Error): never {
  throw new PageError('REFUSED', error.message)
}

const settled = () => setImmediate()

describe('the commands of the page', () => {
  test('select asks for the service, and keeps nobody else’s answer', async () => {
    const { store, commands } = pageOver(3)
    commands.select('lake')
    commands.select('stream')
    await settled()
    const { detail, selected } = store.state
    assert.equal(selected, 'stream')
    assert.equal(detail.kind === 'here' && detail.value.service, 'stream')
    commands.select(undefined)
    assert.equal(store.state.detail.kind, 'nothing')
  })

  test('a service that is gone is selected no more', async () => {
    const { mesh, store, commands } = pageOver(3)
    commands.select('lake')
    mesh.services.delete('lake')
    mesh.show()
    assert.equal(store.state.selected, undefined)
  })

  test('audit and log are asked for with their tabs, and go back page by page', async () => {
    const { store, commands } = pageOver(40)
    commands.show('audit')
    await settled()
    const numbers = () =>
      store.state.audit.kind === 'here' && store.state.audit.value.entries.map(({ number }) => number)
    assert.deepEqual(
      numbers(),
      Array.from({ length: 25 }, (_, at) => 40 - at),
    )
    commands.showAudit(16)
    await settled()
    assert.deepEqual(
      numbers(),
      Array.from({ length: 15 }, (_, at) => 15 - at),
    )
    commands.show('log')
    await settled()
    assert.ok(store.state.log.kind === 'here' && store.state.log.value?.entries.length === 25)
  })

  test('no log is no failure', async () => {
    const { store, commands } = pageOver(0)
    commands.show('log')
    await settled()
    assert.deepEqual(store.state.log, { kind: 'here', value: undefined })
  })

  test('prove checks what the console says', async () => {
    const { mesh, store, commands } = pageOver(3)
    const serial = mesh.services.get('lake')!.instances[0]!.certificates[0]!.serial
    const answered = new Promise<void>((resolve) => {
      store.onChange(() => /here|failed/.test(store.state.proof.kind) && resolve())
    })
    commands.prove(serial)
    await answered
    assert.ok(store.state.proof.kind === 'here')
    assert.deepEqual(
      [store.state.proof.value.serial, store.state.proof.value.check.failure],
      [serial, undefined],
    )
    commands.prove('5'.repeat(32))
    await settled()
    assert.deepEqual(store.state.proof, { kind: 'failed', message: 'there is nothing of that name' })
  })

  test('the last question is answered, not the one whose answer came last', async () => {
    const { page, store, commands } = pageOver(40)
    const { promise, resolve } = Promise.withResolvers<void>()
    page.delay = promise
    commands.showAudit(16)
    page.delay = Promise.resolve()
    commands.showAudit(undefined)
    await settled()
    resolve()
    await settled()
    const { audit } = store.state
    assert.equal(audit.kind === 'here' && audit.value.entries[0]?.number, 40)
  })

  test('a proof that was put away does not come back', async () => {
    const { page, store, commands } = pageOver(3)
    const { promise, resolve } = Promise.withResolvers<void>()
    page.delay = promise
    commands.prove('5'.repeat(32))
    commands.prove(undefined)
    resolve()
    await settled()
    assert.equal(store.state.proof.kind, 'nothing')
  })

  test('after logging out nothing comes any more: no answer, no deed, and no end of the next session', async () => {
    for (const refusal of [undefined, new PageError('SESSION_ENDED', 'found no session')]) {
      const { page, store, commands } = pageOver(3)
      commands.consider({ kind: 'rotate', service: 'lake' })
      await settled()
      const { promise, resolve } = Promise.withResolvers<void>()
      page.delay = promise
      commands.select('lake')
      commands.showAudit(undefined)
      commands.confirm()
      store.send({ type: 'entry', entry: { kind: 'shut', reason: undefined, by: 'link' } })
      const { mesh: _before, ...left } = store.state
      page.refusal = refusal
      resolve()
      await settled()
      const { mesh: _after, ...now } = store.state
      assert.deepEqual(now, left)
      assert.deepEqual(page.ended, [])
    }
  })

  test('another session does not go on with what was considered in this', async () => {
    const { store, commands } = pageOver(3)
    commands.consider({ kind: 'rotate', service: 'lake' })
    store.send({
      type: 'entry',
      entry: { kind: 'open', session: { session: '', readOnly: true, endsAt: NOW } },
    })
    await settled()
    assert.equal(store.state.dialog, undefined)
  })

  test('an answer of 401 ends the session', async () => {
    const { page, commands, store } = pageOver(3)
    page.refusal = new PageError('SESSION_ENDED', 'found no session')
    commands.select('lake')
    await settled()
    commands.consider({ kind: 'rotate', service: 'lake' })
    await settled()
    assert.deepEqual(page.ended, ['found no session', 'found no session'])
    assert.equal(store.state.detail.kind, 'asking')
  })

  test('a refusal is shown where the answer would be', async () => {
    const { page, commands, store } = pageOver(3)
    page.refusal = new PageError('REFUSED', 'the authority does not answer')
    commands.show('audit')
    await settled()
    assert.deepEqual(store.state.audit, { kind: 'failed', message: 'the authority does not answer' })
  })

  test('logging out forgets the session, also where nobody can be told', async () => {
    const { page, commands } = pageOver(3)
    page.refusal = new PageError('CONSOLE_UNREACHABLE', 'it does not answer')
    commands.logOut()
    await settled()
    assert.deepEqual([page.asked, page.ended], [['/api/session'], [undefined]])
  })

  test('logging out says what the console says of it, unless somebody has come in meanwhile', async () => {
    const { page, store, commands } = pageOver(3)
    page.refusal = new PageError('REFUSED', 'You are logged out. Its next start logs out everybody')
    commands.logOut()
    await settled()
    assert.deepEqual(page.ended, [undefined, page.refusal.message])
    commands.logOut()
    const session = { session: 'next', readOnly: false, endsAt: NOW }
    store.send({ type: 'entry', entry: { kind: 'open', session } })
    await settled()
    assert.deepEqual(page.ended, [undefined, page.refusal.message, undefined])
  })
})

describe('a deed', () => {
  const revoke = { kind: 'revoke', service: 'lake', serial: undefined } as const

  test('has its plan asked for first, and a revocation its reason before that', async () => {
    const { store, commands, asked } = pageOver(3)
    commands.consider(revoke)
    await settled()
    assert.deepEqual([store.state.dialog, asked], [{ kind: 'choosing', deed: revoke }, []])
    commands.confirm()
    await settled()
    assert.deepEqual(asked, [])
    commands.consider(revoke, 'key-compromise')
    await settled()
    const plan = store.state.dialog && presentValue(planOf(store.state.dialog))
    assert.equal(plan?.command, 'mtls revoke lake --reason key-compromise')
  })

  test('is done as it was considered, and told', async () => {
    const { mesh, store, commands } = pageOver(3)
    commands.consider(revoke, 'key-compromise')
    await settled()
    commands.confirm()
    assert.equal(store.state.dialog?.kind, 'running')
    await settled()
    assert.equal(store.state.dialog, undefined)
    assert.match(store.state.done!.text, /^Revoked lake/)
    assert.ok(mesh.services.get('lake')!.barred)
    commands.acknowledge()
    assert.equal(store.state.done, undefined)
  })

  test('is done once, however often it is confirmed', async () => {
    const { commands, asked } = pageOver(3)
    commands.consider({ kind: 'rotate', service: 'lake' })
    await settled()
    commands.confirm()
    commands.confirm()
    await settled()
    assert.equal(asked.filter((path) => path === '/api/act').length, 1)
  })

  test('that is refused says why, and can be tried again', async () => {
    const { mesh, store, commands } = pageOver(3)
    commands.consider(revoke, 'superseded')
    await settled()
    mesh.refusal = 'the authority does not answer; start it with `mtls up`'
    commands.confirm()
    await settled()
    const { dialog } = store.state
    assert.equal(dialog?.kind === 'failed' && dialog.message, mesh.refusal)
    assert.equal(store.state.done, undefined)
    mesh.refusal = undefined
    commands.confirm()
    await settled()
    assert.equal(store.state.dialog, undefined)
    assert.ok(mesh.services.get('lake')!.barred)
  })

  test('of one certificate is about that one alone', async () => {
    const { mesh, commands } = pageOver(3)
    const { serial } = mesh.services.get('lake')!.instances[0]!.certificates[1]!
    commands.consider({ kind: 'revoke', service: 'lake', serial }, 'superseded')
    await settled()
    commands.confirm()
    await settled()
    assert.equal(mesh.services.get('lake')!.barred, false)
    assert.deepEqual(
      mesh.revocations.map((one) => one.serial),
      [serial],
    )
  })

  test('that was dismissed shows no plan that comes later', async () => {
    const { store, commands } = pageOver(3)
    commands.consider(revoke, 'superseded')
    commands.dismiss()
    await settled()
    assert.equal(store.state.dialog, undefined)
  })

  describe('whose dialog was closed while it ran', () => {
    const rotate = { kind: 'rotate', service: 'lake' } as const

    /** Confirmed, and not answered. */
    async function running() {
      const opened = pageOver(3)
      opened.commands.consider(rotate)
      await settled()
      const { promise, resolve } = Promise.withResolvers<void>()
      opened.page.delay = promise
      opened.commands.confirm()
      opened.commands.dismiss()
      opened.page.delay = Promise.resolve()
      const answer = async () => {
        resolve()
        await settled()
      }
      return { ...opened, answer }
    }

    test('is told when it is done, and opens nothing again', async () => {
      const { store, answer } = await running()
      await answer()
      assert.equal(store.state.dialog, undefined)
      assert.match(store.state.done!.text, /^Rotated lake/)
    })

    test('and refused says so without the dialog', async () => {
      const { mesh, store, answer } = await running()
      mesh.refusal = 'the authority does not answer'
      await answer()
      assert.equal(store.state.dialog, undefined)
      assert.deepEqual(store.state.done, { state: 'bad', text: `Rotate lake: ${mesh.refusal}` })
    })

    test('leaves alone the dialog that was opened meanwhile, done or refused', async () => {
      for (const refused of [undefined, 'the authority does not answer']) {
        const { mesh, store, commands, answer } = await running()
        commands.consider(rotate)
        await settled()
        const { dialog } = store.state
        mesh.refusal = refused
        await answer()
        assert.equal(dialog?.kind, 'considered')
        assert.equal(store.state.dialog, dialog)
      }
    })
  })
})
