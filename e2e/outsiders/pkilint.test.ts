import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type CertStatus, certIdOf, decodePem, type KeyAlgorithm, signOcspResponse } from '@datapunk/pki'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { needs, program } from '../outsider.ts'
import { loggedChain } from './logged-chain.ts'
import { everyList, ListFolder } from './revocation-lists.ts'
import { type StatusChain, statusChain } from './status-chain.ts'

/** Two that everybody reads, and one that zlint does not. */
const table: readonly KeyAlgorithm[] = ['rsa', 'ecdsa-p256', 'ml-dsa-65']

/** Where pip has put its programs. */
const folder = process.env.PKILINT ?? ''
const certificates = join(folder, 'lint_pkix_cert')
const lists = join(folder, 'lint_crl')
const responses = join(folder, 'lint_ocsp_response')

/** It takes a URI for wrong whose scheme it does not know, and knows neither `spiffe` nor ML-DSA. */
const exceptions: readonly string[] = [
  'pkix.invalid_uri_syntax: Invalid URI syntax: "spiffe://',
  'pkix.aki_absent_self_issued_and_unsupported_algorithm: ',
]

test('pkilint finds nothing in certificates and precertificates', needs(certificates), async (t) => {
  for (const algorithm of table) {
    const chain = await statusChain(algorithm)
    atEnd(t, () => chain.remove())
    for (const place of ['root', 'issuing', 'leaf', 'operator', 'ocspSigner'] as const)
      assert.deepEqual(await findings(certificates, [], chain[place].file), [], `${place} ${algorithm}`)
    const { files, remove } = await loggedChain(algorithm)
    atEnd(t, remove)
    for (const place of ['precertificate', 'final'] as const)
      assert.deepEqual(await findings(certificates, [], files[place]), [], `${place} ${algorithm}`)
  }
})

test('pkilint finds nothing in lists', needs(lists), async (t) => {
  const args = ['--type', 'CRL', '--profile', 'PKIX']
  for (const algorithm of table) {
    const folder = await ListFolder.create(algorithm)
    atEnd(t, () => folder.remove())
    const requests = everyList(await folder.ca.leaf('lake'))
    for (const [name, request] of Object.entries(requests)) {
      const file = await folder.list(name, request)
      assert.deepEqual(await findings(lists, args, file), [], `${name} ${algorithm}`)
    }
    const file = await folder.list('ended')
    const [der] = decodePem(readFileSync(file, 'utf8'), 'X509 CRL')
    writeFileSync(file, withYear('20', der!, /\d{12}Z/g, 1))
    assert.match(String(await findings(lists, args, file)), /crl_negative_validity_period/)
  }
})

test('pkilint finds nothing in responses', needs(responses), async (t) => {
  for (const algorithm of table) {
    const chain = await statusChain(algorithm)
    atEnd(t, () => chain.remove())
    const statuses: readonly CertStatus[] = [
      { kind: 'good' },
      { kind: 'revoked', at: chain.at - 1000, reason: 'keyCompromise' },
      { kind: 'unknown' },
    ]
    const file = join(chain.folder, 'response.der')
    for (const status of statuses) {
      for (const nonce of [undefined, new Uint8Array(32).fill(7)]) {
        writeFileSync(file, await respond(chain, status, nonce))
        assert.deepEqual(await findings(responses, [], file), [], `${status.kind} ${algorithm}`)
      }
    }
    writeFileSync(file, withYear('2020', readFileSync(file), /\d{14}Z/g, 2))
    assert.match(String(await findings(responses, [], file)), /ocsp_negative_validity_period/)
  }
})

function respond({ ocspSigner, issuing, leaf, at }: StatusChain, status: CertStatus, nonce?: Uint8Array) {
  const { serial } = leaf.certificate
  const certId = certIdOf({ issuer: issuing.certificate, serial, hash: 'sha256' })
  const answers = [{ certId, status, thisUpdate: at, nextUpdate: at + 60 * 60 * 1000 }]
  const responder = ocspSigner.certificate
  return signOcspResponse({ responder, producedAt: at, answers, nonce }, ocspSigner.signer)
}

/** The same octets, but for the year of one of the times in them: what pkilint does find. */
function withYear(year: string, der: Uint8Array, times: RegExp, which: number): Uint8Array {
  const changed = Buffer.from(der)
  changed.write(year, [...changed.toString('latin1').matchAll(times)][which]!.index, 'latin1')
  return changed
}

interface Finding {
  readonly finding_descriptions: readonly { readonly code: string; readonly message: string | null }[]
}

/** @returns what it finds that is worth a notice or more, and no exception */
async function findings(lint: string, args: readonly string[], file: string): Promise<string[]> {
  const all = ['lint', ...args, '--severity', 'NOTICE', '--format', 'JSON', file]
  const { stdout, stderr } = await Child.run(program(lint), all)
  assert.match(stdout, /^\{"results": /, stderr)
  const { results } = JSON.parse(stdout) as { results: readonly Finding[] }
  return results
    .flatMap((result) => result.finding_descriptions.map(({ code, message }) => `${code}: ${message}`))
    .filter((found) => !exceptions.some((known) => found.startsWith(known)))
}
