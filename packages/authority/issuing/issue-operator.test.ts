import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import {
  type Certificate,
  checkCrl,
  createCsr,
  decodePem,
  encodeName,
  encodePem,
  generateKeyPair,
  keyIdentifierOf,
  localSigner,
  oids,
  parseCertificate,
  parseCrl,
  spkiOf,
} from '@datapunk/pki'
import { FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { caCertificate } from '../engine/ca-certificate.ts'
import type { Engine } from '../engine/engine.ts'
import type { AuthorityEvent } from '../events/event.ts'
import { takeInventory } from '../inventory/take-inventory.ts'
import { plan } from '../planning/plan.ts'
import { revoke } from '../revocation/revoke.ts'
import { WHOLE } from '../revoked/list-url.ts'
import { beginRoll } from '../rollover/begin.ts'
import { recentRevocations } from '../services/service-record.ts'
import { readAsPeer } from '../testing/peer-eyes.ts'
import { testEngine } from '../testing/test-engine.ts'
import { LogMonitor } from '../transparency/log-monitor.ts'
import { issueConsole } from './issue-console.ts'
import { issueOperator } from './issue-operator.ts'

const DAY = 24 * 60 * 60 * 1000

let dir: string
let clock: FixedClock
let engine: Engine & { readonly events: AuthorityEvent[] }

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'operator-'))
  clock = new FixedClock(Date.UTC(2026, 5, 1))
  engine = testEngine({
    ...{ dir, clock },
    config: {
      services: { lake: {} },
      authority: { store_ca_keys_in_clear: true, console: 'console.service.internal:7483' },
      operators: { alice: { validity_days: 30 }, bob: { read_only: true } },
    },
  })
  await apply(engine, { approve: () => false })
})

afterEach(() => rmSync(dir, { recursive: true }))

async function request(): Promise<{ readonly csr: Uint8Array; readonly spki: Uint8Array }> {
  const { privateKey } = await generateKeyPair('ecdsa-p256')
  const signer = localSigner(privateKey)
  const csr = await createCsr({
    subject: encodeName({ commonName: 'root' }),
    signer,
    dnsNames: ['lake.service.internal'],
    uris: ['spiffe://service.internal/lake'],
  })
  return { csr, spki: spkiOf(privateKey) }
}

const leafOf = (pem: string): Certificate => parseCertificate(decodePem(pem, 'CERTIFICATE')[0]!)

describe('an operator’s certificate', () => {
  test('says who it is by the config, whatever the request asks for', async () => {
    const { csr, spki } = await request()
    const { certificate, serial, notAfter } = await issueOperator(engine, 'alice', csr)
    const leaf = leafOf(certificate)
    assert.equal(leaf.subject.toString(), 'CN=alice,O=Datapunk,C=US')
    assert.deepEqual(leaf.extensions.subjectAltName?.uris, ['spiffe://service.internal/operator/alice'])
    assert.equal(leaf.extensions.subjectAltName?.names.length, 1)
    assert.deepEqual(leaf.extensions.extendedKeyUsage?.purposes, [oids.clientAuth])
    assert.deepEqual(leaf.extensions.subjectKeyIdentifier?.keyIdentifier, keyIdentifierOf(spki))
    assert.deepEqual([leaf.serial, leaf.notAfter - leaf.notBefore], [serial, 30 * DAY])
    assert.equal(notAfter, leaf.notAfter)
    assert.equal(decodePem(certificate, 'CERTIFICATE').length, 2)
  })

  test('is on record, logged, and told of', async () => {
    const { serial, certificate } = await issueOperator(engine, 'alice', (await request()).csr)
    const row = engine.store.certificate(serial)
    assert.deepEqual([row?.profile, row?.instance, row?.state], ['operator', undefined, 'issued'])
    assert.ok(row?.log !== undefined)
    assert.ok(leafOf(certificate).extensions.all.some(({ oid }) => oid === oids.scts))
    const entries = engine.store.audit(0, 1000).filter(({ entry }) => entry.serial === serial)
    assert.deepEqual(
      entries.map(({ deed, entry }) => [deed, entry.operator]),
      [
        ['intended', 'alice'],
        ['issued', 'alice'],
      ],
    )
    const [event] = engine.events
      .filter((event) => event.kind === 'certificate-issued')
      .filter(({ detail }) => detail.operator === 'alice')
    assert.equal(event?.detail.serial, serial)
    await new LogMonitor(() => engine).look()
    assert.deepEqual(
      engine.events.filter(({ kind }) => kind === 'log-alarm'),
      [],
    )
  })

  test('makes nobody a member, and pins no key', async () => {
    const before = readAsPeer(engine).bundle.members
    await issueOperator(engine, 'alice', (await request()).csr)
    await apply(engine, { approve: () => false })
    assert.deepEqual([...readAsPeer(engine).bundle.members], [...before])
    assert.equal(
      engine.store.pinnedKeys(clock.now()).some(({ service }) => service !== 'lake'),
      false,
    )
  })

  test('is revoked by its serial and by itself, for peers and for readers of lists', async () => {
    const byTarget = [
      ({ serial }: { serial: string }) => ({ serial }),
      ({ certificate }: { certificate: string }) => ({
        certificate: Buffer.from(leafOf(certificate).der).toString('base64'),
      }),
    ]
    for (const targetOf of byTarget) {
      const issued = await issueOperator(engine, 'alice', (await request()).csr)
      await revoke(engine, { targets: [targetOf(issued)], reason: 'key-compromise' })
      assert.ok(readAsPeer(engine).bundle.revoked.has(issued.serial))
      assert.equal(recentRevocations(engine.store, 1)[0]?.service, 'operator alice')
      const slot = engine.store.slots().find(({ kind }) => kind === 'issuing-ca')!
      const list = checkCrl(parseCrl(engine.store.list(slot.id, WHOLE)!.der), {
        issuer: caCertificate(slot.certificate!),
        at: clock.now(),
      })
      assert.equal(list.statusOf(Buffer.from(issued.serial, 'hex'), clock.now()).revoked, true)
    }
  })

  test('is for those whom the config names, and for keys that are there', async () => {
    const { csr } = await request()
    await assert.rejects(issueOperator(engine, 'lake', csr), {
      code: 'NOT_AN_OPERATOR',
      message:
        'found no operator lake; allowed: alice, bob. Name them in the config, as in operators: { lake: {} }',
    })
    const forged = Uint8Array.from(csr)
    forged[forged.length - 1]! ^= 1
    await assert.rejects(issueOperator(engine, 'alice', forged), { code: 'CSR_POSSESSION_UNPROVEN' })
    const pem = Buffer.from(encodePem('CERTIFICATE', csr))
    await assert.rejects(issueOperator(engine, 'alice', pem), { code: 'PEM_INVALID' })
    const one = encodePem('CERTIFICATE REQUEST', csr)
    for (const other of [new Uint8Array(70_000), Buffer.from(one + one)])
      await assert.rejects(issueOperator(engine, 'alice', other), { code: 'CSR_INVALID' })
    assert.equal(engine.store.issuedOf('operator').length, 0)
  })

  describe('keeps an issuing CA that goes', () => {
    const no = { approve: () => false }
    const stateOf = (id: string) => engine.store.slots().find((slot) => slot.id === id)?.state
    const late = () =>
      plan(engine.config, takeInventory(engine), clock.now()).waits.flatMap((wait) =>
        wait.late.map(({ instance, reason }) => `${instance} ${reason}`),
      )
    let serial: string
    let notAfter: number

    beforeEach(async () => {
      engine.peers.opened()
      const issued = await issueOperator(engine, 'alice', (await request()).csr)
      ;({ serial, notAfter } = issued)
    })

    /** Until nothing but the operator can be in its way. */
    const roll = async (without: readonly string[]) => {
      await beginRoll(engine, { kind: 'issuing-ca', without })
      for (let look = 0; look < 4; look++) {
        await apply(engine, no)
        clock.advance(10 * 60_000)
      }
      assert.equal(stateOf('issuing-ca-2'), 'active')
    }

    test('until it ends', async () => {
      await roll([])
      const end = new Date(notAfter).toISOString()
      assert.deepEqual(late(), [`operator alice has ${serial} of it until ${end}, or until that is revoked`])
      clock.advance(notAfter - clock.now() + 1000)
      for (let look = 0; look < 4; look++) {
        await apply(engine, no)
        clock.advance(10 * 60_000)
      }
      assert.equal(stateOf('issuing-ca-1'), 'retired')
    })

    test('until it is revoked', async () => {
      await roll([])
      assert.equal(stateOf('issuing-ca-1'), 'retiring')
      await revoke(engine, { targets: [{ serial }], reason: 'superseded' })
      for (let look = 0; look < 3; look++) {
        await apply(engine, no)
        clock.advance(10 * 60_000)
      }
      assert.equal(stateOf('issuing-ca-1'), 'retired')
    })

    test('but not where it is to go without that operator', async () => {
      await roll(['operator alice'])
      assert.equal(stateOf('issuing-ca-1'), 'retired')
      await assert.rejects(beginRoll(engine, { kind: 'issuing-ca', without: ['alice'] }), {
        code: 'INSTANCE_UNKNOWN',
        message: 'found no instance alice; allowed: lake, operator alice, operator bob',
      })
    })
  })

  test('never outlives its issuer', async () => {
    const [ca] = engine.store.issuedOf('issuing-ca')
    clock.advance(ca!.notAfter - DAY - clock.now())
    const { notAfter } = await issueOperator(engine, 'alice', (await request()).csr)
    assert.equal(notAfter, ca!.notAfter)
  })
})

test('the console’s certificate is a server’s under the authority’s name, and nobody takes it for the authority', async () => {
  const { spki } = await request()
  const leaf = leafOf(await issueConsole(engine, spki))
  const { subjectAltName, extendedKeyUsage } = leaf.extensions
  assert.deepEqual(subjectAltName?.dnsNames, ['authority.service.internal', 'console.service.internal'])
  assert.deepEqual(subjectAltName?.uris, ['spiffe://service.internal/authority/console'])
  assert.ok(extendedKeyUsage?.purposes.includes(oids.serverAuth))
  assert.equal(leaf.notAfter - leaf.notBefore, 7 * DAY)
  assert.equal(engine.store.certificate(leaf.serial)?.profile, 'authority')
  await assert.rejects(issueConsole(engine, new Uint8Array(20)))
})
