import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TestCa, testExtension } from '@datapunk/testkit'
import fc from 'fast-check'
import { PkiError } from './pki-error.ts'
import { onlySpiffeId, parseSpiffeId } from './spiffe-id.ts'

const trustDomain = fc.stringMatching(/^[a-z0-9._-]{1,40}$/)
const segment = fc.stringMatching(/^[a-zA-Z0-9._-]{1,20}$/).filter((each) => each !== '.' && each !== '..')

describe('SPIFFE IDs', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(trustDomain, fc.array(segment, { maxLength: 4 }), (domain, segments) => {
        const text = `spiffe://${[domain, ...segments].join('/')}`
        const id = parseSpiffeId(text)
        assert.deepEqual([`${id}`, id.trustDomain], [text, domain])
        assert.equal(id.path, segments.map((each) => `/${each}`).join(''))
        assert.ok(id.equals(parseSpiffeId(text)))
      }),
    )
  })

  for (const text of [
    '',
    'spiffe://',
    'spiffe:///lake',
    'SPIFFE://a/b',
    'https://a/b',
    'spiffe:/a/b',
    'spiffe://A/b',
    'spiffe://a:80/b',
    'spiffe://u@a/b',
    'spiffe://a/',
    'spiffe://a/b/',
    'spiffe://a//b',
    'spiffe://a/./b',
    'spiffe://a/../b',
    'spiffe://a/b?c',
    'spiffe://a/b#c',
    'spiffe://a/%41',
    'spiffe://a/b c',
    'spiffe://a/b\n',
    'spiffe://[::1]/b',
    'spiffe://ä/b',
    `spiffe://${'a'.repeat(256)}/b`,
    `spiffe://a/${'b'.repeat(2048)}`,
  ]) {
    it(`${JSON.stringify(text.slice(0, 40))} is none`, () => {
      assert.throws(() => parseSpiffeId(text), { code: 'SPIFFE_ID_INVALID' })
    })
  }

  it('are a value or a typed error, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((rest) => `spiffe://${rest}`),
        ),
        (text) => {
          try {
            assert.equal(`${parseSpiffeId(text)}`, text)
          } catch (error) {
            assert.ok(error instanceof PkiError)
          }
        },
      ),
    )
  })
})

describe('whose a certificate is', () => {
  const named = async (...uris: string[]) => {
    const ca = await TestCa.create()
    const subjectAltName = testExtension.subjectAltName({ dnsNames: ['lake.service.datapunk'], uris })
    return (await ca.leaf('lake', { extensions: { subjectAltName } })).certificate
  }

  it('is its one SPIFFE ID', async () => {
    const id = 'spiffe://service.datapunk/lake'
    assert.equal(`${onlySpiffeId(await named(id))}`, id)
  })

  for (const uris of [
    [],
    ['https://service.datapunk/lake'],
    ['spiffe://service.datapunk/lake', 'spiffe://service.datapunk/stream'],
    ['spiffe://service.datapunk/lake', 'https://service.datapunk/lake'],
  ]) {
    it(`is said by no ${JSON.stringify(uris)}`, async () => {
      const certificate = await named(...uris)
      assert.throws(() => onlySpiffeId(certificate), { code: 'SPIFFE_ID_INVALID' })
    })
  }
})
