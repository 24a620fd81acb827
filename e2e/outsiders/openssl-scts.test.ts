import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createServer } from 'node:tls'
import { encodePem, encodeSct, encodeSctList, type KeyAlgorithm } from '@datapunk/pki'
import { atEnd, type BadSctCertificate, badScts, TestLog } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { needs, program } from '../outsider.ts'
import { type LoggedChain, loggedChain } from './logged-chain.ts'

/** What OpenSSL 3.0 reads. */
const table: readonly KeyAlgorithm[] = ['rsa', 'ecdsa-p256', 'ecdsa-p384', 'ed25519']

const openssl = (...args: readonly string[]) => Child.run(program('openssl'), args)

async function chainOf(t: TestContext, algorithm: KeyAlgorithm = 'ecdsa-p256'): Promise<LoggedChain> {
  const chain = await loggedChain(algorithm)
  atEnd(t, () => chain.remove())
  return chain
}

test('openssl reads our SCTs: the log, the time, the place', needs('openssl'), async (t) => {
  const { files, log, sct } = await chainOf(t)
  const args = ['-noout', '-ext', 'ct_precert_scts,ct_precert_poison', '-in']
  const { stdout } = await openssl('x509', ...args, files.final)
  assert.match(stdout, /CT Precertificate SCTs/)
  assert.doesNotMatch(stdout, /Poison/)
  const hex = stdout.replaceAll(/[\s:]/g, '').toLowerCase()
  assert.ok(hex.includes(`logid${log.id}`), stdout)
  assert.ok(hex.includes('versionv1(0x0)'), stdout)
  assert.ok(hex.includes(`extensions${Buffer.from(sct.extensions).toString('hex')}`), stdout)
  const timestamp = stdout.match(/Timestamp : (.*)/)?.[1]?.replace(/(\d\d:\d\d:\d\d)\.\d+/, '$1')
  assert.equal(Date.parse(timestamp ?? ''), sct.timestamp)
  const poisoned = await openssl('x509', ...args, files.precertificate)
  assert.match(poisoned.stdout, /CT Precertificate Poison: critical\s+NULL/)
})

test('openssl verifies a final certificate, and no precertificate', needs('openssl'), async (t) => {
  const { files } = await chainOf(t)
  const trust = ['-x509_strict', '-CAfile', files.root, '-untrusted', files.issuing]
  const final = await openssl('verify', ...trust, files.final)
  assert.equal(final.code, 0, final.stderr)
  const precertificate = await openssl('verify', ...trust, files.precertificate)
  assert.notEqual(precertificate.code, 0)
  assert.match(precertificate.stderr, /unhandled critical extension/)
})

for (const algorithm of table) {
  test(`openssl finds the SCT of a ${algorithm} certificate valid`, needs('openssl'), async (t) => {
    const chain = await chainOf(t, algorithm)
    const shown = await connect(t, chain, { der: chain.final, keyPem: chain.leaf.keyPem })
    assert.match(shown, /Verify return code: 0/)
    assert.deepEqual(statusesIn(shown), ['valid'])
  })
}

/** OpenSSL takes SCTs up to five minutes from the future. */
const statuses: Readonly<Record<keyof typeof badScts, readonly string[]>> = {
  missing: [],
  ofUnknownLog: ['unknown log'],
  ofOtherCertificate: ['invalid'],
  fromTheFuture: ['invalid'],
  altered: ['invalid'],
  malformed: [],
  listMalformed: [],
}

test('openssl finds no SCT valid that we refuse', needs('openssl'), async (t) => {
  const chain = await chainOf(t)
  for (const [name, bad] of Object.entries<BadSctCertificate>(badScts)) {
    await t.test(`with ${bad.fault}`, async (t) => {
      const identity = await bad.make(chain.ca, 'lake', chain.log)
      const shown = await connect(t, chain, identity)
      assert.deepEqual(statusesIn(shown), statuses[name as keyof typeof badScts], shown)
    })
  }
})

test('openssl counts the SCTs of several logs', needs('openssl'), async (t) => {
  const chain = await chainOf(t)
  const other = await TestLog.create()
  const identity = await chain.ca.leafWithScts('lake', async (loggable) => {
    const scts = await Promise.all([chain.log, other].map((log) => log.sct(loggable, chain.ca.at)))
    return encodeSctList(scts.map(encodeSct))
  })
  assert.deepEqual(statusesIn(await connect(t, chain, identity, other)), ['valid', 'valid'])
})

/** What `openssl s_client` says of a server with this certificate; it knows the chain's log, and others as told. */
async function connect(
  t: TestContext,
  { ca, files, folder, log }: LoggedChain,
  { der, keyPem }: { readonly der: Uint8Array; readonly keyPem: string },
  ...others: readonly TestLog[]
): Promise<string> {
  const cert = encodePem('CERTIFICATE', der) + ca.issuing.pem
  const server = createServer({ cert, key: keyPem }, (socket) => socket.end().on('error', () => {}))
  server.listen(0, '127.0.0.1')
  atEnd(t, () => server.close())
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  const logFile = join(folder, 'logs.cnf')
  writeFileSync(logFile, logList([log, ...others]))
  const { stdout, stderr } = await openssl(
    ...['s_client', '-connect', `127.0.0.1:${address.port}`, '-servername', `lake.${ca.trustDomain}`],
    ...['-CAfile', files.root, '-ct', '-ctlogfile', logFile],
  )
  return stdout + stderr
}

/** The logs as openssl's `CTLOG_STORE_load_file` reads them. */
function logList(logs: readonly TestLog[]): string {
  const sections = logs.map(
    ({ signer }, index) =>
      `[log${index}]\ndescription = log ${index}\nkey = ${Buffer.from(signer.spki).toString('base64')}\n`,
  )
  return `enabled_logs = ${logs.map((_, index) => `log${index}`).join(', ')}\n${sections.join('')}`
}

/** It ends well without any SCT too, so they are counted. */
function statusesIn(shown: string): string[] {
  const found = [...shown.matchAll(/SCT validation status: (.*)/g)].map(([, status]) => status ?? '')
  assert.equal(Number(shown.match(/SCTs present \((\d+)\)/)?.[1] ?? 0), found.length, shown)
  return found
}
