import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import {
  type Certificate,
  createCsr,
  encodeName,
  encodePem,
  generateKeyPair,
  issuingCaCertificate,
  type KeyAlgorithm,
  leafCertificate,
  lint,
  localSigner,
  parseCertificate,
  rootCertificate,
  type Signer,
  signCertificate,
  verifyPath,
} from '@datapunk/pki'

const run = promisify(execFile)
const version = spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? ''
const readsMlDsa = /OpenSSL (3\.[5-9]|[4-9])/.test(version)

/** Kinds of key that this openssl reads. ML-DSA came with 3.5. */
const algorithms: KeyAlgorithm[] = [
  'rsa',
  'ecdsa-p256',
  'ecdsa-p384',
  'ed25519',
  ...(readsMlDsa ? ['ml-dsa-65' as const] : []),
]

const at = Date.UTC(2026, 0, 1)
const year = 365 * 24 * 60 * 60 * 1000

describe('openssl', { skip: version.startsWith('OpenSSL') ? false : 'openssl is not on PATH' }, () => {
  for (const algorithm of algorithms) {
    it(`finds the request of an ${algorithm} key signed by that key`, async () => {
      const signer = localSigner((await generateKeyPair(algorithm)).privateKey)
      const subject = encodeName({
        commonName: 'lake.service.datapunk',
        organization: 'Datapunk',
        country: 'US',
      })
      const csr = await createCsr({
        subject,
        signer,
        dnsNames: ['lake.service.datapunk'],
        ipAddresses: ['::1'],
      })
      const { stdout, stderr, status } = spawnSync(
        'openssl',
        ['req', '-verify', '-noout', '-text', '-subject'],
        {
          input: encodePem('CERTIFICATE REQUEST', csr),
          encoding: 'utf8',
        },
      )
      assert.equal(status, 0, stderr)
      assert.match(stderr, /verify OK/)
      assert.match(stdout, /DNS:lake\.service\.datapunk, IP Address:0:0:0:0:0:0:0:1/)
    })

    it(`verifies every ${algorithm} profile strictly, for server and client`, async () => {
      const { root, issuing, leaf } = await makeChain(algorithm)
      const folder = await mkdtemp(join(tmpdir(), 'openssl-verify-'))
      try {
        for (const [name, certificate] of Object.entries({ root, issuing, leaf })) {
          await writeFile(join(folder, name), encodePem('CERTIFICATE', certificate.der))
        }
        const verify = (purpose: string, ...more: string[]) =>
          run(
            'openssl',
            [
              'verify',
              '-x509_strict',
              '-check_ss_sig',
              '-attime',
              `${at / 1000}`,
              '-purpose',
              purpose,
            ].concat('-CAfile', 'root', '-untrusted', 'issuing', ...more, 'leaf'),
            { cwd: folder },
          )
        await verify('sslserver', '-verify_hostname', 'lake.service.datapunk')
        await verify('sslserver', '-verify_ip', '127.0.0.1')
        await verify('sslclient')
        await assert.rejects(verify('sslserver', '-verify_hostname', 'nexus.service.datapunk'), /mismatch/i)
      } finally {
        await rm(folder, { recursive: true })
      }
      const request = { leaf, intermediates: [issuing], roots: [root], at } as const
      for (const usage of ['serverAuth', 'clientAuth'] as const) {
        assert.equal(
          verifyPath({ ...request, usage, name: { dns: 'lake.service.datapunk' } }).chain.length,
          3,
        )
      }
    })
  }
})

async function makeChain(algorithm: KeyAlgorithm): Promise<Record<'root' | 'issuing' | 'leaf', Certificate>> {
  const newSigner = async (): Promise<Signer> => localSigner((await generateKeyPair(algorithm)).privateKey)
  const [rootSigner, issuingSigner, leafSigner] = [await newSigner(), await newSigner(), await newSigner()]
  const subject = { organization: 'Datapunk', country: 'US' }
  const validity = { notBefore: at, notAfter: at + year }
  const rootTbs = rootCertificate({
    serial: serial(1),
    subject: { ...subject, commonName: 'root' },
    spki: rootSigner.spki,
    ...validity,
  })
  const root = parseCertificate(await signCertificate(lint({ tbs: rootTbs, profile: 'root' }), rootSigner))
  const issuingTbs = issuingCaCertificate({
    serial: serial(2),
    issuer: root,
    subject: { ...subject, commonName: 'issuing CA' },
    spki: issuingSigner.spki,
    ...validity,
    permittedDomains: ['service.datapunk'],
    permittedUriHosts: ['service.datapunk'],
    permittedIps: ['127.0.0.1'],
  })
  const issuing = parseCertificate(
    await signCertificate(lint({ tbs: issuingTbs, profile: 'issuing-ca', issuer: root }), rootSigner),
  )
  const leafTbs = leafCertificate({
    serial: serial(3),
    issuer: issuing,
    subject: { ...subject, commonName: 'lake.service.datapunk' },
    spki: leafSigner.spki,
    ...validity,
    dnsNames: ['lake.service.datapunk'],
    uris: ['spiffe://service.datapunk/lake'],
    ipAddresses: ['127.0.0.1'],
  })
  const leaf = parseCertificate(
    await signCertificate(lint({ tbs: leafTbs, profile: 'leaf', issuer: issuing }), issuingSigner),
  )
  return { root, issuing, leaf }
}

/** 16 octets of which the first has its top bit set, so that the sign octet is tried too. */
function serial(last: number): Uint8Array {
  return Uint8Array.of(0x80, ...new Uint8Array(14).fill(0x5a), last)
}
