import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyAlgorithm } from '@datapunk/pki'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { needs, program } from '../outsider.ts'
import { distributionPoint, ListFolder } from './revocation-lists.ts'

/** What OpenSSL 3.0 reads. */
const table: readonly KeyAlgorithm[] = ['rsa', 'ecdsa-p256', 'ecdsa-p384', 'ed25519']
const shards = [0, 1].map((shard) => `http://crl.service.datapunk/issuing/${shard}.crl`) as [string, string]
const deltas = 'http://crl.service.datapunk/issuing/delta.crl'

const openssl = (...args: string[]) => Child.run(program('openssl'), args)

for (const algorithm of table) {
  test(
    `openssl reads and obeys revocation lists of a CA of kind ${algorithm}`,
    needs('openssl'),
    async (t) => {
      const folder = await ListFolder.create(algorithm)
      atEnd(t, () => folder.remove())
      const { ca } = folder
      const [root, issuing] = [folder.certificate('root', ca.root), folder.certificate('issuing', ca.issuing)]
      const ofRoot = await folder.list('root', {}, ca.root)
      /** Every certificate of the chain is looked up, in these lists beside the root's. */
      const verify = async (leaf: string, lists: readonly string[], ...more: string[]) => {
        const files = [ofRoot, ...lists].flatMap((file) => ['-CRLfile', file])
        const chain = ['-CAfile', root, '-untrusted', issuing]
        return openssl('verify', '-x509_strict', '-crl_check_all', ...more, ...files, ...chain, leaf)
      }
      const refuses = async (why: RegExp, ...args: Parameters<typeof verify>) => {
        const { code, stderr } = await verify(...args)
        assert.match(stderr, why)
        assert.notEqual(code, 0)
      }
      const passes = async (...args: Parameters<typeof verify>) => {
        const { code, stdout, stderr } = await verify(...args)
        assert.equal(code, 0, stderr)
        assert.match(stdout, /: OK/)
      }
      const good = await ca.leaf('good')
      const bad = await ca.leaf('bad')
      const [goodFile, badFile] = [folder.certificate('good', good), folder.certificate('bad', bad)]

      await t.test('it reads them, and finds their signatures right', async () => {
        const request = { number: 0x1234, freshest: deltas, scope: { uri: shards[0] } }
        const list = await folder.list('read', {
          ...request,
          revoked: [
            [bad, 'keyCompromise'],
            [good, 'unspecified'],
          ],
        })
        const { code, stdout, stderr } = await openssl(
          'crl',
          '-in',
          list,
          '-noout',
          '-text',
          '-verify',
          '-CAfile',
          issuing,
        )
        assert.equal(code, 0)
        assert.match(stderr, /verify OK/)
        assert.match(stdout, /Version 2 \(0x1\)[\s\S]*Issuer: .*CN = service.datapunk issuing CA/)
        assert.match(stdout, /X509v3 CRL Number: \n\s+4660\n/)
        assert.match(
          stdout,
          /X509v3 Issuing Distribution Point: critical\n\s+Full Name:\n\s+URI:http:\/\/crl/,
        )
        assert.match(stdout, /X509v3 Freshest CRL: \n[\s\S]*delta\.crl/)
        const serial = bad.certificate.serial.toUpperCase()
        assert.match(
          stdout,
          new RegExp(`Serial Number: ${serial}[\\s\\S]*Reason Code: \\n\\s+Key Compromise`),
        )
        assert.equal(stdout.match(/CRL entry extensions/g)?.length, 1)
        const other = await openssl('crl', '-in', list, '-noout', '-verify', '-CAfile', root)
        assert.doesNotMatch(other.stderr, /verify OK/)
      })

      await t.test('it refuses who is on a full list, and nobody else', async () => {
        const list = await folder.list('full', { revoked: [[bad, 'superseded']] })
        await passes(goodFile, [list])
        await refuses(/certificate revoked/, badFile, [list])
        await refuses(/unable to get certificate CRL/, goodFile, [])
        const stale = await folder.list('stale', { thisUpdate: ca.at - 5000, nextUpdate: ca.at - 2000 })
        await refuses(/CRL has expired/, goodFile, [stale])
      })

      await t.test('it follows what a delta adds and takes back', async () => {
        const base = await folder.list('base', { freshest: deltas, revoked: [[good, 'certificateHold']] })
        const delta = await folder.list('delta', {
          number: 2,
          base: 1,
          revoked: [
            [good, 'removeFromCRL'],
            [bad, 'keyCompromise'],
          ],
        })
        await refuses(/certificate revoked/, goodFile, [base])
        await passes(badFile, [base])
        await passes(goodFile, [base, delta], '-use_deltas')
        await refuses(/certificate revoked/, badFile, [base, delta], '-use_deltas')
      })

      await t.test('it takes the shard that a certificate names, and no other', async () => {
        const sharded = await ca.leaf('sharded', {
          extensions: { crlDistributionPoints: distributionPoint(shards[1]) },
        })
        const file = folder.certificate('sharded', sharded)
        const onlyContains = 'user-certificates' as const
        const [zero, one, revoked] = await Promise.all([
          folder.list('zero', { scope: { uri: shards[0], onlyContains } }),
          folder.list('one', { scope: { uri: shards[1], onlyContains } }),
          folder.list('revoked', {
            scope: { uri: shards[1], onlyContains },
            revoked: [[sharded, 'keyCompromise']],
          }),
        ])
        await passes(file, [one])
        await passes(file, [zero, one])
        await refuses(/certificate revoked/, file, [revoked])
        await refuses(/different CRL scope/i, file, [zero])
      })
    },
  )
}
