import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createCsr, encodeName, generateKeyPair, localSigner, parseCertificate } from '@datapunk/pki'
import { type Config, MAX_ISSUING_CAS, parseConfig, sealTrustStatement } from '@datapunk/protocol'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { issueForCsr } from '../issuing/issue-csr.ts'
import { beginRoll } from '../rollover/begin.ts'
import { issueNow } from '../rotation/issue-now.ts'
import { rotateAnew } from '../rotation/rotate-pair.ts'
import { testEngine } from '../testing/test-engine.ts'
import { DRAIN_TIME } from './lifetimes.ts'

const no = { approve: () => false }
const clear = { store_ca_keys_in_clear: true }

class GrowingMesh {
  readonly clock = new FixedClock(Date.UTC(2026, 5, 1))
  engine: Engine
  readonly #dir: string
  readonly #elsewhere = Object.fromEntries(Array.from({ length: MAX_ISSUING_CAS }, (_, at) => [`c${at}`, {}]))
  readonly #signers = new Map<string, ReturnType<typeof localSigner>>()

  constructor(t: TestContext) {
    this.#dir = mkdtempSync(join(tmpdir(), 'crowd-'))
    atEnd(t, () => rmSync(this.#dir, { recursive: true }))
    this.engine = testEngine({ dir: this.#dir, clock: this.clock, config: { services: this.#services(0) } })
    this.engine.peers.opened()
  }

  /** The same mesh, in which lake has so many addresses. */
  configure(addresses: number): void {
    const text = { authority: clear, certificates: { key_algorithm: 'ecdsa-p256' } }
    const config: Config = parseConfig(JSON.stringify({ ...text, services: this.#services(addresses) }), {
      file: join(this.#dir, 'mtls-config.yaml'),
    })
    this.engine = { ...this.engine, config }
  }

  /** A key that lives elsewhere, and asks for its certificate. */
  async ask(service: string): Promise<void> {
    const signer = this.#signers.get(service) ?? localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
    this.#signers.set(service, signer)
    const subject = encodeName({ commonName: service })
    await issueForCsr(this.engine, service, await createCsr({ subject, dnsNames: [service], signer }))
  }

  /** As often as it takes until nothing but somebody else can go on. */
  async settle() {
    await apply(this.engine, no)
    this.clock.advance(DRAIN_TIME)
    return apply(this.engine, no)
  }

  get issuingCas() {
    return this.engine.store.slots().filter(({ kind }) => kind === 'issuing-ca')
  }

  #services(addresses: number) {
    const ip_addresses = Array.from({ length: addresses }, (_, at) => `10.0.0.${at + 1}`)
    return { lake: { ip_addresses }, ...this.#elsewhere }
  }
}

test('addresses that come one by one, while keys elsewhere hold each issuing CA, wait for one of them and stop nothing else', async (t) => {
  const mesh = new GrowingMesh(t)
  await mesh.settle()
  for (let addresses = 1; addresses <= MAX_ISSUING_CAS; addresses++) {
    await mesh.ask(`c${addresses - 1}`)
    mesh.configure(addresses)
    await mesh.settle()
  }
  const isNamed = ({ state }: { state: string }) => state === 'active' || state === 'retiring'
  assert.equal(mesh.issuingCas.filter(isNamed).length, (MAX_ISSUING_CAS * 3) / 4)

  // The bundle is published on, and nothing is planned that can't be done.
  const before = mesh.engine.store.bundle()!.counter
  const current = () => mesh.engine.store.currentCertificates().find(({ instance }) => instance === 'lake')!
  const { serial } = current()
  mesh.clock.advance(2 * 24 * 60 * 60 * 1000)
  const { done, failed, waits } = await mesh.settle()
  assert.deepEqual([done, failed], [[], []])
  assert.ok(mesh.engine.store.bundle()!.counter > before)
  assert.equal(current().serial, serial)
  const wait = waits.find(({ stage }) => stage === 'prepare')
  assert.equal(wait?.slot, 'issuing-ca')
  // Lake has a certificate of the one in use, which makes no room.
  assert.ok(wait.late.every(({ instance }) => instance !== 'lake'))
  assert.match(JSON.stringify(wait.late), /"c0-[0-9a-f]{8}","reason":"has to ask for a new certificate"/)

  // Lake has what the issuing CA in use may sign for, and all of it once there is room for another.
  const addressesOfLake = () => parseCertificate(current().der!).extensions.subjectAltName!.ipAddresses.length
  const some = addressesOfLake()
  assert.ok(some < MAX_ISSUING_CAS)
  const byHand = await rotateAnew(mesh.engine, 'lake')
  assert.deepEqual([byHand.failed, byHand.rotated.length, addressesOfLake()], [[], 1, some])
  const issued = await issueNow(
    mesh.engine,
    mesh.engine.store.services().find(({ service }) => service === 'lake')!,
  )
  assert.deepEqual([issued.service, addressesOfLake()], ['lake', some])
  await mesh.ask('c0')
  await mesh.settle()
  await mesh.settle()
  assert.equal(addressesOfLake(), MAX_ISSUING_CAS)
})

test('whoever is not waited for makes room, and what can’t wait has some left', async (t) => {
  const mesh = new GrowingMesh(t)
  await mesh.settle()
  for (let addresses = 1; addresses < MAX_ISSUING_CAS; addresses++) {
    await mesh.ask(`c${addresses - 1}`)
    mesh.configure(addresses)
    await mesh.settle()
  }
  const rolled = await beginRoll(mesh.engine, { kind: 'root', without: [] })
  await mesh.settle()
  assert.ok(rolled)
  assert.equal(mesh.engine.store.slots().find(({ id }) => id === 'root-2')?.state, 'active')

  const isIn = ({ state }: { state: string }) => state !== 'retired'
  const crowd = mesh.issuingCas.filter(isIn).length
  const gone = mesh.engine.store.instances().find(({ id }) => id.startsWith('c0-'))!.id
  await beginRoll(mesh.engine, { kind: 'issuing-ca', without: [gone] })
  await mesh.settle()
  assert.equal(mesh.issuingCas.filter(isIn).length, crowd - 1)
})

test('the largest trust statement there can be is read', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'crowd-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const largest = { algorithm: 'ml-dsa-65' }
  // A few octets short of what a config may ask for.
  const addresses = Array.from({ length: 224 }, (_, at) => `2001:db8::${(at + 1).toString(16)}`)
  const services = Object.fromEntries(
    [0, 75, 150].map((from) => [`s${from}`, { ip_addresses: addresses.slice(from, from + 75) }]),
  )
  const engine = testEngine({
    dir,
    config: { authority: { ...clear, root: largest, issuing: largest }, services },
  })
  await apply(engine, no)
  const slots = engine.store.slots()
  const certificateOf = (kind: string) =>
    parseCertificate(slots.find((slot) => slot.kind === kind)!.certificate!)
  const [root, issuing] = [certificateOf('root'), certificateOf('issuing-ca')]
  assert.ok(issuing.der.byteLength > 8 * 1024)
  const mesh = engine.store.mesh()!
  const log = { spki: new Uint8Array(91), origin: 'x'.repeat(300) }
  const signer = localSigner((await generateKeyPair('ml-dsa-65')).privateKey)
  const statement = {
    ...{ number: { generation: 999_999, counter: 999_999 }, issuedAt: Date.UTC(2026, 5, 1) },
    ...{ meshId: mesh.meshId, trustDomain: mesh.trustDomain },
    roots: Array.from({ length: 8 }, () => root),
    issuingCas: Array.from({ length: MAX_ISSUING_CAS }, () => issuing),
    bundleKeys: Array.from({ length: 8 }, () => log.spki),
    logs: Array.from({ length: 8 }, () => log),
  }
  const bytes = await sealTrustStatement(
    statement,
    Array.from({ length: 8 }, () => signer),
  )
  assert.ok(bytes.byteLength <= 512 * 1024, `${bytes.byteLength} octets`)
})
