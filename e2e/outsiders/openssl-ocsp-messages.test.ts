import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  type CertStatus,
  certIdOf,
  checkOcspResponse,
  encodeOcspRequest,
  isAboutIssuer,
  type KeyAlgorithm,
  type OcspErrorStatus,
  ocspErrorResponse,
  parseOcspRequest,
  parseOcspResponse,
  signOcspResponse,
} from '@datapunk/pki'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { needs, program } from '../outsider.ts'
import { type StatusChain, statusChain } from './status-chain.ts'

/** What OpenSSL 3.0 reads. */
const table: readonly KeyAlgorithm[] = ['rsa', 'ecdsa-p256', 'ecdsa-p384', 'ed25519']
const hour = 60 * 60 * 1000

const openssl = (...args: readonly string[]) => Child.run(program('openssl'), args)

/** A chain, and files of its folder. */
async function chainOf(t: TestContext, algorithm: KeyAlgorithm = 'ecdsa-p256') {
  const chain = await statusChain(algorithm)
  atEnd(t, () => chain.remove())
  const path = (name: string) => join(chain.folder, name)
  const lay = (name: string, der: Uint8Array) => {
    writeFileSync(path(name), der)
    return path(name)
  }
  return { chain, path, lay }
}

/** How openssl is asked about the leaf: the hash counts for the certificates after it. */
const about = ({ issuing, leaf }: StatusChain, hash = '-sha256') => {
  return [hash, '-issuer', issuing.file, '-cert', leaf.file]
}

/** What openssl trusts: the root only. */
const trusting = ({ root, issuing }: StatusChain) => ['-CAfile', root.file, '-verify_other', issuing.file]

function respond(chain: StatusChain, status: CertStatus, hash: 'sha1' | 'sha256', nonce?: Uint8Array) {
  const { ocspSigner, issuing, leaf, at } = chain
  const certId = certIdOf({ issuer: issuing.certificate, serial: leaf.certificate.serial, hash })
  const answers = [{ certId, status, thisUpdate: at, nextUpdate: at + hour }]
  const responder = ocspSigner.certificate
  return signOcspResponse({ responder, producedAt: at, answers, nonce }, ocspSigner.signer)
}

test(
  'openssl accepts the certificate of an OCSP signer under a constrained CA',
  needs('openssl'),
  async (t) => {
    for (const algorithm of table) {
      const { chain } = await chainOf(t, algorithm)
      const { root, issuing, ocspSigner, leaf } = chain
      const strictly = ['verify', '-x509_strict', '-policy_check', '-CAfile', root.file]
      for (const { file, purpose } of [
        { file: ocspSigner.file, purpose: 'ocsphelper' },
        { file: leaf.file, purpose: 'sslserver' },
      ]) {
        const { code, stderr } = await openssl(
          ...strictly,
          '-purpose',
          purpose,
          '-untrusted',
          issuing.file,
          file,
        )
        assert.equal(code, 0, `${algorithm}: ${stderr}`)
      }
    }
    const { chain } = await chainOf(t)
    const { stdout } = await openssl('x509', '-noout', '-text', '-in', chain.leaf.file)
    assert.match(
      stdout,
      /CRL Distribution Points: \n\s+Full Name:\n\s+URI:http:\/\/status.service.datapunk\/1.crl/,
    )
    assert.match(
      stdout,
      /Freshest CRL: \n\s+Full Name:\n\s+URI:http:\/\/status.service.datapunk\/1-delta.crl/,
    )
    assert.match(stdout, /OCSP - URI:http:\/\/status.service.datapunk\/\n\s+CA Issuers - URI:http/)
    assert.match(stdout, /TLS Feature: \n\s+status_request/)
  },
)

test('openssl believes our responses, of every algorithm and in either hash', needs('openssl'), async (t) => {
  for (const algorithm of table) {
    const { chain, lay } = await chainOf(t, algorithm)
    for (const [status, said] of [
      [{ kind: 'good' }, /leaf\.pem: good\n/],
      [{ kind: 'unknown' }, /leaf\.pem: unknown\n/],
      [
        { kind: 'revoked', at: chain.at - hour, reason: 'keyCompromise' },
        /leaf\.pem: revoked\n[\s\S]*Reason: keyCompromise\n\s+Revocation Time: /,
      ],
    ] as const satisfies readonly (readonly [CertStatus, RegExp])[]) {
      for (const hash of ['sha1', 'sha256'] as const) {
        const file = lay('response.der', await respond(chain, status, hash))
        const asked = [...trusting(chain), ...about(chain, `-${hash}`)]
        const { code, stdout, stderr } = await openssl('ocsp', '-respin', file, ...asked)
        assert.equal(code, 0, stderr)
        assert.match(stderr, /Response verify OK/)
        assert.match(stdout, said)
      }
    }
  }
})

test(
  'openssl trusts our responder by its certificate, and finds a response of another one',
  needs('openssl'),
  async (t) => {
    const { chain, lay } = await chainOf(t)
    const other = await chainOf(t)
    const file = lay('response.der', await respond(chain, { kind: 'good' }, 'sha256'))
    const asked = ['ocsp', '-respin', file, ...about(chain), '-VAfile']
    assert.match((await openssl(...asked, chain.ocspSigner.file)).stderr, /Response verify OK/)
    const forged = lay(
      'forged.der',
      await respond({ ...chain, ocspSigner: other.chain.ocspSigner }, { kind: 'good' }, 'sha256'),
    )
    const refused = await openssl('ocsp', '-respin', forged, ...about(chain), ...trusting(chain))
    assert.match(refused.stderr, /Response Verify Failure/)
  },
)

test('openssl reads our requests, and finds their nonce in our responses', needs('openssl'), async (t) => {
  const { chain, lay } = await chainOf(t)
  const { issuing, leaf } = chain
  const nonce = randomBytes(32)
  const certId = certIdOf({ issuer: issuing.certificate, serial: leaf.certificate.serial, hash: 'sha256' })
  const request = lay('request.der', encodeOcspRequest({ certId, nonce }))
  const text = (await openssl('ocsp', '-reqin', request, '-req_text')).stdout.replaceAll(/\s/g, '')
  assert.match(text, /HashAlgorithm:sha256/)
  assert.ok(text.includes(`SerialNumber:${leaf.certificate.serial.toUpperCase().replace(/^00/, '')}`), text)
  assert.ok(text.toLowerCase().includes(`ocspnonce:0420${nonce.toString('hex')}`), text)

  const check = async (der: Uint8Array) => {
    const response = lay('response.der', der)
    // Without the leaf, or openssl would make a request of its own.
    const asked = ['-reqin', request, '-no_nonce', '-respin', response]
    return (await openssl('ocsp', ...asked, ...trusting(chain))).stderr
  }
  assert.equal(await check(await respond(chain, { kind: 'good' }, 'sha256', nonce)), 'Response verify OK\n')
  assert.match(await check(await respond(chain, { kind: 'good' }, 'sha256')), /WARNING: no nonce in response/)
  assert.match(
    await check(await respond(chain, { kind: 'good' }, 'sha256', randomBytes(32))),
    /Nonce Verify error/,
  )
})

test('openssl reads our refusals', needs('openssl'), async (t) => {
  const { chain, lay } = await chainOf(t)
  for (const [status, said] of [
    ['malformedRequest', /malformedrequest \(1\)/],
    ['internalError', /internalerror \(2\)/],
    ['tryLater', /trylater \(3\)/],
    ['sigRequired', /sigrequired \(5\)/],
    ['unauthorized', /unauthorized \(6\)/],
  ] as const satisfies readonly (readonly [OcspErrorStatus, RegExp])[]) {
    const file = lay('response.der', ocspErrorResponse(status))
    const { stdout, stderr } = await openssl('ocsp', '-respin', file, ...about(chain))
    assert.match(stdout + stderr, said)
  }
})

test('we read the requests that openssl makes', needs('openssl'), async (t) => {
  const { chain, path } = await chainOf(t)
  const { issuing, leaf, ocspSigner } = chain
  const file = path('request.der')
  const signed = ['-signer', leaf.file, '-signkey', leaf.keyFile]
  const alsoSigner = ['-cert', ocspSigner.file]
  for (const [args, hash, certificates, hasNonce] of [
    [[...about(chain)], 'sha256', 1, true],
    [[...about(chain, '-sha1'), '-no_nonce'], 'sha1', 1, false],
    [[...about(chain), ...alsoSigner, '-no_nonce'], 'sha256', 2, false],
    [[...about(chain), ...signed], 'sha256', 1, true],
  ] as const) {
    const { code, stderr } = await openssl('ocsp', ...args, '-reqout', file)
    assert.equal(code, 0, stderr)
    const { certIds, nonce } = parseOcspRequest(readFileSync(file))
    assert.deepEqual([certIds.length, certIds[0]?.hash, nonce !== undefined], [certificates, hash, hasNonce])
    assert.equal(certIds[0]?.serial, leaf.certificate.serial)
    assert.ok(certIds.every((certId) => isAboutIssuer(certId, issuing.certificate)))
  }
})

test(
  'we believe the responses that openssl makes with our certificate, and know what they say',
  needs('openssl'),
  async (t) => {
    const { chain, path, lay } = await chainOf(t)
    const { issuing, leaf, ocspSigner, at } = chain
    const issuer = issuing.certificate
    const serial = leaf.certificate.serial.toUpperCase().replace(/^00/, '')
    // The format of the index of `openssl ca`: state, end, revocation, serial, file, subject.
    const end = '491231235959Z'
    const row = (state: string, revocation: string) =>
      [state, end, revocation, serial, 'unknown', '/CN=lake'].join('\t')
    const nonce = randomBytes(32)
    for (const [line, status] of [
      [row('V', ''), { kind: 'good' }],
      [
        row('R', '260102030405Z,superseded'),
        { kind: 'revoked', at: Date.UTC(2026, 0, 2, 3, 4, 5), reason: 'superseded' },
      ],
      [
        row('R', '260102030405Z'),
        { kind: 'revoked', at: Date.UTC(2026, 0, 2, 3, 4, 5), reason: 'unspecified' },
      ],
      ['', { kind: 'unknown' }],
    ] as const satisfies readonly (readonly [string, CertStatus])[]) {
      for (const named of [[], ['-resp_key_id']]) {
        for (const hash of ['sha1', 'sha256'] as const) {
          writeFileSync(path('index.txt'), line === '' ? '' : `${line}\n`)
          const certId = certIdOf({ issuer, serial: leaf.certificate.serial, hash })
          const request = lay('request.der', encodeOcspRequest({ certId, nonce }))
          const signing = ['-rsigner', ocspSigner.file, '-rkey', ocspSigner.keyFile, ...named]
          const index = ['-index', path('index.txt'), '-CA', issuing.file, '-ndays', '1']
          const files = ['-reqin', request, '-respout', path('response.der')]
          const { code, stderr } = await openssl('ocsp', ...index, ...signing, ...files)
          assert.equal(code, 0, stderr)
          const response = parseOcspResponse(readFileSync(path('response.der')))
          const now = { at: Date.now(), nonce, clockSkew: 60_000 }
          const checked = checkOcspResponse({ response, leaf: leaf.certificate, issuer, ...now })
          assert.deepEqual(checked.status, status)
          assert.ok(checked.thisUpdate >= at)
          // openssl reads its clock for each of the two.
          assert.ok(checked.nextUpdate - checked.thisUpdate - 24 * hour <= 1000)
        }
      }
    }
  },
)
