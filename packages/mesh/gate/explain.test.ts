import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { badCertificates, type Fault, TestMesh } from '@datapunk/testkit'
import { readMeshDocuments } from '../files/mesh-files.ts'
import { type CallEnd, type Explanation, explainCall } from '../index.ts'

const DAY = 24 * 60 * 60 * 1000

describe('explainCall', () => {
  let testMesh: TestMesh

  before(async () => {
    testMesh = await TestMesh.create({
      services: {
        lake: { allow: ['stream'] },
        stream: { ipAddresses: ['127.0.0.1'] },
        nexus: {},
        gone: {},
        stapled: { ocspStapling: 'required' },
      },
      transparency: 'required',
    })
    testMesh.pinning('required')
    testMesh.change('gone', 'remove')
    await testMesh.publish()
  })
  after(() => testMesh.remove())

  const explain = async (caller: string, callee: string, change: Change = {}) => {
    const { at = testMesh.ca.at } = change
    const documents = readMeshDocuments(testMesh.config, { latest: at })
    const end = (service: string): CallEnd => ({
      service,
      certificate: testMesh.newestLeaf(service).der,
    })
    return explainCall({
      ...documents,
      clockSkew: 0,
      at,
      caller: { ...end(caller), ...change.caller },
      callee: { ...end(callee), ...change.callee },
    })
  }

  interface Change {
    readonly at?: number
    readonly caller?: Partial<CallEnd>
    readonly callee?: Partial<CallEnd>
  }

  const broken = ({ rules }: Explanation) =>
    rules.flatMap(({ passed, code }) => (passed === false ? [code] : []))
  const unjudged = ({ rules }: Explanation) =>
    rules.flatMap(({ passed, rule }) => (passed === null ? [rule] : []))

  test('a call that comes about: every rule has its evidence, at both ends', async () => {
    const { caller, callee } = await explain('stream', 'lake')
    for (const { refusal, rules } of [caller, callee]) {
      assert.equal(refusal, undefined)
      assert.deepEqual(
        rules.filter(({ passed, message }) => passed !== true || message === ''),
        [],
      )
    }
    const leafRules = ['certificate', 'path', 'member', 'names', 'subject', 'revoked', 'pinned', 'logged']
    const ownRules = ['own revocation', 'own membership', 'bundle']
    assert.deepEqual(
      callee.rules.map(({ rule }) => rule),
      [...ownRules, ...leafRules, 'allowed'],
    )
    assert.deepEqual(
      caller.rules.map(({ rule }) => rule),
      [...ownRules, ...leafRules, 'asked for'],
    )
    assert.match(
      callee.rules.find(({ rule }) => rule === 'logged')?.message ?? '',
      /entry \d+ of log\.test\/1/,
    )
  })

  test('a caller that may not call is refused for that alone', async () => {
    const { caller, callee } = await explain('nexus', 'lake')
    assert.equal(caller.refusal, undefined)
    assert.equal(callee.refusal?.rule, 'CALLER_NOT_ALLOWED')
    assert.deepEqual(broken(callee), ['CALLER_NOT_ALLOWED'])
  })

  for (const fault of Object.keys(badCertificates) as Fault[]) {
    test(`${fault}: the first broken rule is the one that the gate refuses for`, async () => {
      const { der: certificate } = await badCertificates[fault].make(testMesh.ca, 'stream')
      const shown = { certificate }
      const { callee } = await explain('stream', 'lake', { caller: shown })
      const { caller } = await explain('stream', 'lake', { callee: shown })
      for (const { refusal, rules } of [callee, caller]) {
        assert.ok(refusal !== undefined)
        assert.equal(rules.find(({ passed }) => passed === false)?.code, refusal.rule)
      }
    })
  }

  test('whatever is wrong is told at once, not only what comes first', async () => {
    const leaf = await testMesh.ca.leaf('stream')
    const at = testMesh.ca.at + 4 * 365 * DAY
    const { callee } = await explain('stream', 'lake', { at, caller: { certificate: leaf.der } })
    assert.equal(callee.refusal?.rule, 'BUNDLE_EXPIRED')
    assert.deepEqual(broken(callee), [
      'BUNDLE_EXPIRED',
      'CERTIFICATE_EXPIRED',
      'NAME_NOT_LISTED',
      'NOT_PINNED',
    ])
    assert.deepEqual(unjudged(callee), ['logged'])
    assert.match(
      callee.rules.find(({ code }) => code === 'NAME_NOT_LISTED')?.message ?? '',
      /allowed: stream\.service\.datapunk, 127\.0\.0\.1/,
    )
  })

  test('a caller that has no certificate, but may call', async () => {
    const { callee, caller } = await explain('stream', 'lake', { caller: { certificate: undefined } })
    assert.equal(callee.refusal?.rule, 'NO_CERTIFICATE')
    assert.deepEqual(broken(callee), ['NO_CERTIFICATE'])
    assert.equal(callee.rules.at(-1)?.passed, true)
    assert.equal(caller.refusal, undefined)
  })

  describe('a certificate that could not be looked at', () => {
    const hidden = { certificate: undefined, unread: 'it is for its owner alone' }

    test('the rules about it are left open, and nothing is refused for that', async () => {
      const { callee, caller } = await explain('stream', 'lake', { callee: hidden })
      for (const { refusal, unread } of [callee, caller])
        assert.deepEqual([refusal, unread], [undefined, true])
      assert.deepEqual(unjudged(callee), ['own revocation'])
      const ofTheCertificate = ['certificate', 'path', 'names', 'subject', 'revoked', 'pinned', 'logged']
      assert.deepEqual(unjudged(caller), [...ofTheCertificate, 'asked for'])
      assert.equal(caller.rules.find(({ rule }) => rule === 'pinned')?.message, hidden.unread)
    })

    test('what the bundle alone refuses is refused', async () => {
      const { callee } = await explain('nexus', 'lake', { caller: hidden })
      assert.equal(callee.refusal?.rule, 'CALLER_NOT_ALLOWED')
      assert.deepEqual(broken(callee), ['CALLER_NOT_ALLOWED'])
      const { caller } = await explain('stream', 'gone', { callee: hidden })
      assert.equal(caller.refusal?.rule, 'NOT_A_MEMBER')
    })
  })

  test('a service that is no member any more judges nobody, and nobody takes it', async () => {
    const { callee, caller } = await explain('stream', 'gone')
    assert.equal(callee.refusal?.rule, 'SELF_NOT_A_MEMBER')
    assert.equal(caller.refusal?.rule, 'NOT_A_MEMBER')
    assert.deepEqual(broken(caller), ['NOT_A_MEMBER'])
  })

  test('another service at the place of the one asked for', async () => {
    const { der: certificate } = testMesh.newestLeaf('nexus')
    const { caller } = await explain('stream', 'lake', { callee: { certificate } })
    assert.equal(caller.refusal?.rule, 'OTHER_SERVICE')
    assert.deepEqual(broken(caller), ['OTHER_SERVICE'])
  })

  test('a staple is left to the handshake', async () => {
    const { caller } = await explain('stream', 'stapled')
    assert.equal(caller.refusal, undefined)
    assert.deepEqual(unjudged(caller), ['staple'])
  })

  test('what is only reported passes, and is told', async () => {
    const reporting = await TestMesh.create({ services: { lake: {}, stream: {} } })
    try {
      reporting.pinning('report')
      await reporting.publish()
      const at = reporting.ca.at
      const documents = readMeshDocuments(reporting.config, { latest: at })
      const { callee } = explainCall({
        ...documents,
        clockSkew: 0,
        at,
        caller: { service: 'stream', certificate: (await reporting.leaf('stream')).der },
        callee: { service: 'lake', certificate: undefined },
      })
      assert.equal(callee.refusal, undefined)
      const pinned = callee.rules.find(({ rule }) => rule === 'pinned')
      assert.equal(pinned?.passed, true)
      assert.match(pinned.message, /^only reported: found the certificate/)
    } finally {
      await reporting.remove()
    }
  })
})
