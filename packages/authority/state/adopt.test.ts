import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { encodeExtension, oids } from '@datapunk/pki'
import { atEnd, FixedClock, TestCa, type TestOverrides, testExtension } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { Disk } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'
import { checkPair } from '../testing/peer-eyes.ts'
import { Plug, sealing, testEngine, Unplugged } from '../testing/test-engine.ts'
import { adoptCa } from './adopt.ts'

const DAY = 24 * 60 * 60 * 1000
const now = Date.UTC(2026, 5, 1)
const no = { approve: () => false }

/** An engine beside somebody’s CA. */
async function beside(
  t: TestContext,
  root: TestOverrides = {},
  { plug, config = {} }: { readonly plug?: Plug; readonly config?: object } = {},
) {
  const dir = mkdtempSync(join(tmpdir(), 'adopt-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const ca = await TestCa.create({ at: Date.UTC(2026, 0, 1), root })
  const clock = new FixedClock(now)
  const engine = testEngine({
    dir,
    clock,
    config: { services: { lake: {} }, ...config },
    ...(plug && { plug }),
  })
  const { caCert, caKey } = engine.config.paths
  new Disk().ensureFolder(join(dir, 'certs'), 0o755)
  writeFileSync(caCert, ca.root.pem)
  writeFileSync(caKey, ca.root.keyPem, { mode: 0o600 })
  return { engine, ca, caCert, caKey }
}

const isRefused = (why: RegExp) => (error: unknown) =>
  error instanceof AuthorityError && error.code === 'ADOPTION_REFUSED' && why.test(error.message)

test('a CA is taken over with its certificate as it is, and signs the new issuing CA', async (t) => {
  const { engine, ca, caCert } = await beside(t)
  await adoptCa(engine)
  assert.deepEqual((await apply(engine, no)).failed, [])
  assert.equal(readFileSync(caCert, 'utf8'), ca.root.pem)
  checkPair(engine, 'lake')
  await assert.rejects(adoptCa(engine), { code: 'MESH_EXISTS' })
})

/** Nothing of it is against RFC 5280, or what peers ask of a root. */
const good: Readonly<Record<string, TestOverrides>> = {
  'with a path length of 1': { extensions: { basicConstraints: testExtension.basicConstraints(true, 1) } },
  'that ends tomorrow': { notAfter: now + DAY },
  'of another algorithm': { algorithm: 'ed25519' },
}

for (const [what, root] of Object.entries(good)) {
  test(`a CA is taken over ${what}, and services under it are believed`, async (t) => {
    const { engine } = await beside(t, root)
    await adoptCa(engine)
    assert.deepEqual((await apply(engine, no)).failed, [])
    checkPair(engine, 'lake')
    assert.ok(engine.store.lists().some(({ slot }) => slot === 'root-1'))
  })
}

const unfit: readonly (readonly [what: string, root: TestOverrides, why: RegExp])[] = [
  ['no CA', { extensions: { basicConstraints: testExtension.basicConstraints(false) } }, /CA/],
  ['expired', { notAfter: now - DAY }, /expired 2026-05-31/],
  ['not yet valid', { notBefore: now + DAY }, /valid from 2026-06-02/],
  ['without a subject', { subject: {}, issuer: {} }, /subject|issuer/],
  [
    'for clients only',
    { extensions: { eku: testExtension.extendedKeyUsage([oids.clientAuth]) } },
    /extended key usage/,
  ],
  ['not for lists', { extensions: { keyUsage: testExtension.keyUsage(['keyCertSign']) } }, /cRLSign/],
  ['without a key usage', { extensions: { keyUsage: null } }, /keyCertSign, cRLSign/],
  ['not for certificates', { extensions: { keyUsage: testExtension.keyUsage(['cRLSign']) } }, /key usage/],
  [
    'for leaves only',
    { extensions: { basicConstraints: testExtension.basicConstraints(true, 0) } },
    /path length of .* lets no CA/,
  ],
  [
    'for some names only',
    { extensions: { constraints: testExtension.nameConstraints({ domains: ['example.com'] }) } },
    /constrains names/,
  ],
  [
    'with an extension that nobody knows',
    { extensions: { own: encodeExtension('1.3.6.1.4.1.99999.1', true, (der) => der.sequence(() => {})) } },
    /critical extension/,
  ],
  ['of another CA', { issuer: { commonName: 'Another CA' } }, /not signed by its own key/],
  [
    'too long for a trust statement',
    {
      extensions: {
        own: encodeExtension('1.3.6.1.4.1.99999.1', false, (der) => der.octetString(Buffer.alloc(9000))),
      },
    },
    /certificate of 9\d\d\d bytes/,
  ],
]

for (const [what, root, why] of unfit) {
  test(`a CA that is ${what} is refused before anything is done`, async (t) => {
    const { engine, ca, caKey } = await beside(t, root)
    await assert.rejects(adoptCa(engine), isRefused(why))
    assert.equal(engine.store.mesh(), undefined)
    assert.equal(readFileSync(caKey, 'utf8'), ca.root.keyPem)
  })
}

test('what is no certificate, or several, is refused', async (t) => {
  const { engine, ca, caCert } = await beside(t)
  for (const [text, why] of [
    ['', /no block "CERTIFICATE" was found/],
    [ca.root.pem + ca.issuing.pem, /found 2 certificates/],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', /byte/],
  ] as const) {
    writeFileSync(caCert, text)
    await assert.rejects(adoptCa(engine), isRefused(why))
  }
})

test('a CA with the key of another is refused', async (t) => {
  const { engine, caKey } = await beside(t)
  writeFileSync(caKey, (await TestCa.create({ seed: 'another' })).root.keyPem)
  await assert.rejects(adoptCa(engine), { code: 'KEY_MISMATCH' })
  assert.equal(engine.store.mesh(), undefined)
})

test('wherever the power is cut, the CA is taken over when it is asked for again', async (t) => {
  for (let at = 1; ; at++) {
    const plug = new Plug()
    const { engine: bare, caKey } = await beside(t, {}, { plug })
    const engine = sealing(bare)
    plug.pullAt(at)
    const ended = await adoptCa(engine).catch((error: unknown) => error)
    const steps = plug.steps
    plug.reset()
    if (engine.store.mesh() === undefined) await adoptCa(engine)
    await engine.keys.withSigner(engine.store.slots()[0]!, async (signer) => signer.sign(Buffer.of(1)))
    assert.match(readFileSync(caKey, 'utf8'), /DATAPUNK ENCRYPTED KEY/)
    if (steps < at) {
      assert.equal(ended, undefined)
      break
    }
    assert.ok(ended instanceof Unplugged || ended instanceof AuthorityError, String(ended))
  }
})
