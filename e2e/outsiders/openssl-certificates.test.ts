import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyAlgorithm } from '@datapunk/pki'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { needs, program } from '../outsider.ts'
import { chainOf, everyAlgorithm, longName } from './every-algorithm.ts'

/** What OpenSSL 3.0 reads; ML-DSA is for Node's own handshake. */
const table: readonly KeyAlgorithm[] = ['rsa', 'ecdsa-p256', 'ecdsa-p384', 'ed25519']

const keyLine: Readonly<Record<KeyAlgorithm, RegExp>> = {
  rsa: /Public-Key: \((2048|3072) bit\)/,
  'ecdsa-p256': /NIST CURVE: P-256/,
  'ecdsa-p384': /NIST CURVE: P-384/,
  ed25519: /ED25519 Public-Key/,
  'ml-dsa-65': /ML-DSA-65/,
}

test('openssl reads and verifies what we issue, strictly', needs('openssl'), async (t) => {
  for (const algorithms of everyAlgorithm(table)) {
    const { root, issuing, leaf } = algorithms
    await t.test(`root ${root}, issuing ${issuing}, leaf ${leaf}`, async (t) => {
      const { mesh, files } = await chainOf(algorithms)
      atEnd(t, () => mesh.remove())
      const openssl = (...args: string[]) => Child.output(program('openssl'), args)
      const strictly = ['verify', '-x509_strict', '-check_ss_sig', '-policy_check', '-CAfile', files.root]
      const lakeIs = ['-verify_hostname', 'lake.service.datapunk', '-verify_ip', '192.0.2.7']

      for (const purpose of ['sslserver', 'sslclient']) {
        const forLeaf = [...strictly, '-untrusted', files.issuing, '-purpose', purpose]
        await openssl(...forLeaf, ...lakeIs, files.leaf)
        await openssl(...forLeaf, '-verify_hostname', `${longName}.service.datapunk`, files.longNamedLeaf)
        const wrongName = await Child.run(program('openssl'), [
          ...forLeaf,
          '-verify_hostname',
          'stream.service.datapunk',
          files.leaf,
        ])
        assert.match(wrongName.stderr, /hostname mismatch/)
      }
      await openssl(...strictly, files.issuing)
      await openssl(...strictly, files.root)

      const text = async (file: string) => openssl('x509', '-noout', '-text', '-in', file)
      for (const [place, algorithm] of Object.entries(algorithms)) {
        assert.match(await text(files[place as keyof typeof algorithms]), keyLine[algorithm])
      }
      assert.match(await text(files.root), /Basic Constraints: critical\s+CA:TRUE\n/)
      assert.match(await text(files.issuing), /CA:TRUE, pathlen:0[\s\S]*Name Constraints: critical/)
      const leafText = await text(files.leaf)
      assert.match(leafText, /Key Usage: critical\s+Digital Signature\n/)
      assert.match(leafText, /TLS Web Server Authentication, TLS Web Client Authentication/)
      assert.match(
        leafText,
        /DNS:lake.service.datapunk, DNS:lake.example.net, URI:spiffe:\/\/service.datapunk\/lake/,
      )
      assert.match(await openssl('x509', '-noout', '-checkip', '127.0.0.1', '-in', files.leaf), /does match/)
      assert.match(
        await openssl('x509', '-noout', '-subject', '-in', files.leaf),
        /CN = lake.service.datapunk/,
      )
      assert.doesNotMatch(await openssl('x509', '-noout', '-subject', '-in', files.longNamedLeaf), /CN =/)
    })
  }
})
