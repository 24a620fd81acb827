import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createCsr, encodeName, generateKeyPair, localSigner } from '@datapunk/pki'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { issueForCsr } from '../issuing/issue-csr.ts'
import { prepareProbe } from '../probe/prepare-probe.ts'
import { revoke } from '../revocation/revoke.ts'
import { testEngine } from '../testing/test-engine.ts'
import { measure } from './measurements.ts'
import { outageBudgetOf } from './outage-budget.ts'
import { statusOf } from './status.ts'

test('who is connected with whom, by what live peers report', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'status-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  const engine = testEngine({ dir, clock, config: { services: { lake: {}, nexus: {} } } })
  await apply(engine, { approve: () => false })
  const serialOf = (instance: string) =>
    engine.store.currentCertificates().find((row) => row.instance === instance)?.serial as string
  const arrive = (peer: string, version: string) =>
    engine.peers.arrived({
      ...{ peer, version, service: 'lake', instance: 'lake' },
      ...{ serial: serialOf('lake'), revoked: false },
    })
  const report = (peer: string, count: number, made?: number) =>
    engine.peers.reported(peer, {
      ...{ serial: serialOf('lake'), version: '1', open: count + 1, refused: {}, reported: {} },
      bundle: { generation: 1, counter: 2 },
      connections: [
        { serial: serialOf('nexus'), count, made },
        { serial: 'ab', count: 1 },
      ],
    })
  const lake = () => statusOf(engine).services.find(({ instance }) => instance === 'lake')

  assert.deepEqual(statusOf(engine).links, [])
  arrive('p', '1')
  arrive('q', '2')
  assert.deepEqual([lake()?.versions, lake()?.reporting], [['1', '2'], 0])
  report('p', 2, 1)
  report('q', 3, 0)
  assert.deepEqual(statusOf(engine).links, [
    { caller: 'lake', callee: 'nexus', count: 1 },
    { caller: 'nexus', callee: 'lake', count: 4 },
  ])
  assert.equal(lake()?.reporting, 2)
  engine.peers.left('p', true)
  assert.deepEqual(statusOf(engine).links, [{ caller: 'nexus', callee: 'lake', count: 3 }])
  report('q', 3)
  assert.deepEqual(
    statusOf(engine).links.map(({ count }) => count),
    [3, 3],
  )
})

test('a key elsewhere that another one has followed is told of until its certificate has ended', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'status-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  const engine = testEngine({ dir, clock, config: { services: { lake: { validity_days: 90 } } } })
  await apply(engine, { approve: () => false })
  const ask = async () => {
    const signer = localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
    const subject = encodeName({ commonName: 'lake' })
    return issueForCsr(engine, 'lake', await createCsr({ subject, dnsNames: ['lake'], signer }))
  }
  const passes = async (days: number) => {
    clock.advance(days * 24 * 60 * 60 * 1000)
    await apply(engine, { approve: () => false })
  }
  const told = () =>
    statusOf(engine).services.flatMap(({ instance, place }) => (place === 'elsewhere' ? [instance] : []))

  const first = await ask()
  await passes(60)
  const second = await ask()
  await passes(28)
  assert.deepEqual(new Set(told()), new Set([first.instance, second.instance]))
  assert.deepEqual(outageBudgetOf(engine)?.endedBy, { kind: 'certificate', subject: first.instance })
  await passes(3)
  assert.deepEqual(told(), [second.instance])
  assert.equal(outageBudgetOf(engine)?.endedBy.kind, 'bundle')
  const looks = { services: 1, last: undefined, failure: undefined }
  assert.deepEqual([measure(engine, looks).instances, measure(engine, looks).renewalOverdue], [2, 0])

  const third = await ask()
  assert.equal(told().length, 2)
  await revoke(engine, { targets: [{ serial: third.serial }], reason: 'superseded' })
  assert.deepEqual(told(), [second.instance])
})

test('a ca_cert that is damaged is what is wrong, and what repairs it is told', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'status-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const engine = testEngine({ dir, config: { services: { lake: {} } } })
  await apply(engine, { approve: () => false })
  const { caCert } = engine.config.paths
  writeFileSync(caCert, readFileSync(caCert, 'utf8').slice(0, 100))
  assert.equal(
    statusOf(engine).fault,
    `found in ${caCert} no whole certificates: the block has no END CERTIFICATE; is the file cut off? (line 1 of the PEM text); allowed: the roots of this mesh. Move the file away and \`mtls apply\` writes it anew`,
  )
})

test('what is published and lies there no more, or is another, is named', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'status-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const engine = testEngine({ dir, config: { services: { lake: {} } } })
  const lost = () => statusOf(engine).lostFiles
  assert.deepEqual(lost(), [])
  await apply(engine, { approve: () => false })
  assert.deepEqual(lost(), [])
  const { caCert, crl } = engine.config.paths
  rmSync(caCert)
  writeFileSync(crl, 'no list')
  assert.deepEqual(lost(), [caCert, crl])
  await apply(engine, { approve: () => false })
  assert.deepEqual(lost(), [])
})

test('the probe is no service, nor is one that has left', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'status-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const engine = testEngine({ dir, config: { services: { lake: {}, stream: {} } } })
  await apply(engine, { approve: () => false })
  await prepareProbe(engine)
  const told = () => statusOf(engine).services.map(({ instance }) => instance)
  assert.deepEqual(told(), ['lake', 'stream'])
  const lake = engine.store.services().find(({ service }) => service === 'lake')!
  await engine.store.write((transaction) => transaction.putService({ ...lake, state: 'removed' }))
  assert.deepEqual(told(), ['stream'])
})
