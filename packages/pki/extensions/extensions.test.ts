import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readDer } from '../der/reader.ts'
import { encodeDer } from '../der/writer.ts'
import { hexText } from '../octets.ts'
import { oids } from '../oids.ts'
import { writeAuthorityInfoAccess } from './authority-info-access.ts'
import { writeBasicConstraints } from './basic-constraints.ts'
import { writeCrlDistributionPoint } from './crl-distribution-points.ts'
import { writeExtendedKeyUsage } from './extended-key-usage.ts'
import { type Extensions, encodeExtension, readExtensions } from './extensions.ts'
import { writeAuthorityKeyIdentifier, writeSubjectKeyIdentifier } from './key-identifiers.ts'
import { type KeyUsageName, writeKeyUsage } from './key-usage.ts'
import { writeNameConstraints } from './name-constraints.ts'
import { writePrecertificatePoison } from './precertificate-poison.ts'
import { writeSctList } from './sct-list.ts'
import { writeSubjectAltName } from './subject-alt-name.ts'
import { statusRequest, writeTlsFeature } from './tls-feature.ts'

function parse(...encoded: Uint8Array[]): Extensions {
  const list = encodeDer((der) =>
    der.sequence(() => {
      for (const each of encoded) der.raw(each)
    }),
  )
  return readDer(list, readExtensions)
}

function raw(oid: string, hex: string, critical = false): Uint8Array {
  return encodeExtension(oid, critical, (der) =>
    der.raw(new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))),
  )
}

function refused(extension: string, ...encoded: Uint8Array[]): void {
  assert.throws(
    () => parse(...encoded),
    (error: { code?: string; data?: { extension?: string } }) =>
      error.code === 'EXTENSION_MALFORMED' && error.data?.extension === extension,
  )
}

describe('extensions', () => {
  it('keep whether they are critical', () => {
    for (const critical of [true, false]) {
      const encoded = encodeExtension(oids.basicConstraints, critical, (der) =>
        writeBasicConstraints(der, { ca: true, pathLength: 3 }),
      )
      assert.deepEqual(parse(encoded).basicConstraints, { ca: true, pathLength: 3, critical })
    }
  })

  it('that are unknown and critical are listed, and so are policy constraints that are not', () => {
    const extensions = parse(
      raw('1.2.3', '0500'),
      raw('1.2.4', '0500', true),
      raw(oids.policyConstraints, '3003800100'),
      raw(oids.authorityInfoAccess, '3018 3016 06082b06010505073001 860a 687474703a2f2f612f62', true),
    )
    assert.deepEqual(extensions.unknownCritical, ['1.2.4', oids.policyConstraints, oids.authorityInfoAccess])
    assert.deepEqual(
      extensions.all.map(({ oid }) => oid),
      ['1.2.3', '1.2.4', oids.policyConstraints, oids.authorityInfoAccess],
    )
  })

  it('are refused twice, known or not', () => {
    refused('1.2.3', raw('1.2.3', '0500'), raw('1.2.3', '0500'))
    refused('keyUsage', raw(oids.keyUsage, '03020780'), raw(oids.keyUsage, '03020780'))
  })

  it('are refused when the list is empty, or FALSE is written out', () => {
    assert.throws(() => parse(), { code: 'DER_INVALID' })
    assert.throws(() => parse(Uint8Array.of(0x30, 0x0a, 6, 2, 42, 3, 1, 1, 0, 4, 1, 5)), {
      code: 'DER_INVALID',
    })
  })

  for (const [extension, why, hex] of [
    ['basicConstraints', 'cA FALSE written out', '3003 010100'],
    ['basicConstraints', 'a negative path length', '3006 0101ff 0201ff'],
    ['basicConstraints', 'something after', '3000 00'],
    ['keyUsage', 'no bit', '0301 00'],
    ['keyUsage', 'zeros at the end', '0302 0080'],
    ['keyUsage', 'a bit that means nothing', '0303 050020'],
    ['extendedKeyUsage', 'no purpose', '3000'],
    ['subjectAltName', 'no name', '3000'],
    ['subjectAltName', 'text instead of DER', hexText(new TextEncoder().encode('example.com'))],
    ['subjectAltName', 'an address of 5 octets', '3007 8705 0102030405'],
    ['subjectAltName', 'a name that is not ASCII', '3004 8202 c3a4'],
    ['subjectAltName', 'a line end in a DNS name', '3005 8203 610a62'],
    ['subjectAltName', 'an escape in a URI', '3008 8606 613a621b5b6d'],
    ['subjectAltName', 'a NUL in an address', '3005 8103 610040'],
    ['subjectAltName', 'a form that is none', '3002 8900'],
    ['nameConstraints', 'neither list', '3000'],
    ['nameConstraints', 'two empty lists', '3004 a000 a100'],
    ['nameConstraints', 'a minimum', '3009 a007 3005 820161 800101'],
    ['nameConstraints', 'a delete in a DNS name', '3009 a007 3005 8203 617f62'],
    ['authorityKeyIdentifier', 'an issuer without a serial', '3002 a100'],
    ['subjectKeyIdentifier', 'no octets', '0400'],
    ['crlDistributionPoints', 'no point', '3000'],
    ['crlDistributionPoints', 'a point of reasons only', '3006 3004 81020780'],
    ['authorityInfoAccess', 'no description', '3000'],
    ['freshestCrl', 'no point', '3000'],
    ['ocspNoCheck', 'something in it', '0501 00'],
    ['poison', 'something in it', '0501 00'],
    ['poison', 'another type', '0400'],
    ['scts', 'no OCTET STRING of its own', '0006 0004 01020304'],
    ['scts', 'something after', '0401 00 00'],
    ['tlsFeature', 'a negative feature', '3003 0201ff'],
    ['tlsFeature', 'a number that TLS has not', '3005 0203010000'],
  ] as const) {
    it(`${extension} is refused with ${why}`, () => refused(extension, raw(oids[extension], hex)))
  }

  it('extended key usage, key identifiers and alternative names come back', () => {
    const { extendedKeyUsage, authorityKeyIdentifier, subjectKeyIdentifier, subjectAltName } = parse(
      encodeExtension(oids.extendedKeyUsage, false, (der) =>
        writeExtendedKeyUsage(der, [oids.serverAuth, oids.clientAuth]),
      ),
      encodeExtension(oids.authorityKeyIdentifier, false, (der) =>
        writeAuthorityKeyIdentifier(der, Uint8Array.of(1, 2)),
      ),
      encodeExtension(oids.subjectKeyIdentifier, false, (der) =>
        writeSubjectKeyIdentifier(der, Uint8Array.of(3)),
      ),
      encodeExtension(oids.subjectAltName, true, (der) =>
        writeSubjectAltName(der, {
          dnsNames: ['a.b', '*.c.d'],
          uris: ['spiffe://a/b'],
          ipAddresses: ['::1', '1.2.3.4'],
        }),
      ),
    )
    assert.deepEqual(extendedKeyUsage?.purposes, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
    assert.deepEqual(authorityKeyIdentifier?.keyIdentifier, Uint8Array.of(1, 2))
    assert.deepEqual(subjectKeyIdentifier?.keyIdentifier, Uint8Array.of(3))
    assert.deepEqual(
      [subjectAltName?.dnsNames, subjectAltName?.uris, subjectAltName?.ipAddresses],
      [['a.b', '*.c.d'], ['spiffe://a/b'], ['::1', '1.2.3.4']],
    )
  })

  it('distribution points, access descriptions and TLS features come back', () => {
    const uri = { form: 'uri', value: 'http://crl.datapunk/1.crl' } as const
    const extensions = parse(
      encodeExtension(oids.crlDistributionPoints, false, (der) => writeCrlDistributionPoint(der, uri.value)),
      encodeExtension(oids.authorityInfoAccess, false, (der) =>
        writeAuthorityInfoAccess(der, [[oids.caIssuers, uri.value]]),
      ),
      encodeExtension(oids.tlsFeature, false, (der) => writeTlsFeature(der, [statusRequest, 17, 65_535])),
    )
    assert.deepEqual(extensions.crlDistributionPoints?.points, [{ fullName: [uri] }])
    assert.deepEqual(extensions.authorityInfoAccess?.descriptions, [
      { method: oids.caIssuers, location: uri },
    ])
    assert.deepEqual(extensions.tlsFeature, { features: [5, 17, 65_535], critical: false })
    assert.deepEqual(extensions.unknownCritical, [])
  })

  it('poison and SCTs come back, the list as octets for whoever verifies it', () => {
    const { poison, scts, unknownCritical } = parse(
      encodeExtension(oids.poison, true, writePrecertificatePoison),
      encodeExtension(oids.scts, false, (der) => writeSctList(der, Uint8Array.of(1, 2))),
    )
    assert.deepEqual(poison, { critical: true })
    assert.deepEqual(scts, { list: Uint8Array.of(1, 2), critical: false })
    assert.deepEqual(unknownCritical, [oids.poison])
  })

  it('poison counts as critical also where it does not say so', () => {
    assert.deepEqual(parse(raw(oids.poison, '0500')).unknownCritical, [oids.poison])
  })

  it('any set of key usages comes back', () => {
    const names: KeyUsageName[] = [
      'digitalSignature',
      'nonRepudiation',
      'keyAgreement',
      'cRLSign',
      'decipherOnly',
    ]
    fc.assert(
      fc.property(fc.subarray(names, { minLength: 1 }), (usages) => {
        const encoded = encodeExtension(oids.keyUsage, true, (der) => writeKeyUsage(der, usages))
        assert.deepEqual(parse(encoded).keyUsage?.usages, new Set(usages))
      }),
    )
  })

  it('name constraints come back, ranges with their mask', () => {
    const encoded = encodeExtension(oids.nameConstraints, true, (der) =>
      writeNameConstraints(
        der,
        { domains: ['a.b'], uriHosts: ['a.b'], ipRanges: ['10.1.2.3/12', '::1'] },
        { ipRanges: ['0.0.0.0/0'] },
      ),
    )
    const { permitted, excluded } = parse(encoded).nameConstraints ?? assert.fail()
    const shown = (names: typeof permitted): string[] =>
      names.map(({ form, value }) => `${form} ${value instanceof Uint8Array ? hexText(value) : value}`)
    assert.deepEqual(shown(permitted), [
      'dns a.b',
      'uri a.b',
      'ip 0a000000fff00000',
      `ip ${'00'.repeat(15)}01${'ff'.repeat(16)}`,
    ])
    assert.deepEqual(shown(excluded), ['ip 0000000000000000'])
  })

  it('names that cannot be written are refused', () => {
    for (const names of [
      { dnsNames: ['ä.b'] },
      { dnsNames: [''] },
      { uris: ['a b'] },
      { ipAddresses: ['1.2.3'] },
    ]) {
      assert.throws(() => encodeDer((der) => writeSubjectAltName(der, names)), { code: 'NAME_INVALID' })
    }
    for (const ipRanges of [['10.0.0.0/33'], ['10.0.0.0/x'], ['a/8'], ['::1/-1']]) {
      assert.throws(() => encodeDer((der) => writeNameConstraints(der, { ipRanges }, {})), {
        code: 'NAME_INVALID',
      })
    }
  })
})
