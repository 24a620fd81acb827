import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { TestCa } from '@datapunk/testkit'
import fc from 'fast-check'
import { type DerWriter, encodeDer } from '../der/writer.ts'
import { writeExtension } from '../extensions/extensions.ts'
import { oids } from '../oids.ts'
import { type CertId, certIdOf, isAboutIssuer } from './cert-id.ts'
import { ocspBudget } from './ocsp-budget.ts'
import { encodeOcspRequest, parseOcspRequest } from './ocsp-request.ts'

let ca: TestCa
before(async () => {
  ca = await TestCa.create()
})

/** Whatever a request may be made of; `write` for the parts says the rest of one. */
interface RequestParts {
  readonly version?: number
  readonly requestor?: boolean
  readonly certIds?: readonly Uint8Array[]
  readonly singleExtensions?: (der: DerWriter) => void
  readonly extensions?: (der: DerWriter) => void
  readonly signature?: (der: DerWriter) => void
}

function request(parts: RequestParts): Uint8Array {
  const { version, requestor, certIds = [certId().der], singleExtensions, extensions, signature } = parts
  return encodeDer((der) =>
    der.sequence(() => {
      der.sequence(() => {
        if (version !== undefined) der.explicit(0, () => der.smallInteger(version))
        if (requestor) der.explicit(1, () => der.ascii('a@b', 0x81))
        der.sequence(() => {
          for (const certId of certIds) {
            der.sequence(() => {
              der.raw(certId)
              if (singleExtensions) der.explicit(0, () => der.sequence(() => singleExtensions(der)))
            })
          }
        })
        if (extensions) der.explicit(2, () => der.sequence(() => extensions(der)))
      })
      if (signature) der.explicit(0, () => der.sequence(() => signature(der)))
    }),
  )
}

function certId(hash: CertId['hash'] = 'sha256'): CertId {
  return certIdOf({ issuer: ca.issuing.certificate, serial: '0102', hash })
}

/** A `CertID` of any hash, whether its octets are as many as that hash has or not. */
function oddCertId(hash: string, octets: number, parameters?: 'null'): Uint8Array {
  return encodeDer((der) =>
    der.sequence(() => {
      der.sequence(() => {
        der.oid(hash)
        if (parameters === 'null') der.null()
      })
      der.octetString(new Uint8Array(octets))
      der.octetString(new Uint8Array(octets))
      der.smallInteger(1)
    }),
  )
}

function nonce(octets: number, critical = false): (der: DerWriter) => void {
  return (der) =>
    writeExtension(der, oids.ocspNonce, critical, () => der.octetString(new Uint8Array(octets).fill(1)))
}

function extension(oid: string, critical: boolean): (der: DerWriter) => void {
  return (der) => writeExtension(der, oid, critical, () => der.null())
}

function signature(der: DerWriter): void {
  der.sequence(() => der.oid(oids.ecdsaWithSha256))
  der.octetsInBitString(Uint8Array.of(1, 2, 3))
  der.explicit(0, () => der.sequence(() => der.raw(ca.root.der)))
}

describe('OCSP requests', () => {
  it('come back as they were asked', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('sha1', 'sha256'),
        fc.option(fc.uint8Array({ minLength: 32, maxLength: 128 }), { nil: undefined }),
        fc.uint8Array({ minLength: 1, maxLength: 19 }),
        (hash, nonce, octets) => {
          const serial = Buffer.from([1, ...octets]).toString('hex')
          const certId = certIdOf({ issuer: ca.issuing.certificate, serial, hash })
          const read = parseOcspRequest(encodeOcspRequest({ certId, nonce }))
          assert.deepEqual(read.nonce, nonce)
          assert.deepEqual(read.certIds, [certId])
        },
      ),
    )
  })

  it('say which CA they are about, and no other', () => {
    for (const hash of ['sha1', 'sha256'] as const) {
      assert.equal(isAboutIssuer(certId(hash), ca.issuing.certificate), true)
      assert.equal(isAboutIssuer(certId(hash), ca.root.certificate), false)
    }
  })

  it('are about a key, not about a name alone', async () => {
    const same = await ca.intermediate('x', { subject: ca.issuing.certificate.subject.der })
    assert.equal(isAboutIssuer(certId(), same.certificate), false)
  })

  for (const [what, parts, expected] of [
    ['several certificates', () => ({ certIds: [certId().der, certId('sha1').der] }), 2],
    ['a name of whoever asks', () => ({ requestor: true }), 1],
    ['a signature', () => ({ requestor: true, signature }), 1],
    ['a nonce of one octet', () => ({ extensions: nonce(1) }), 1],
    ['a nonce of 128 octets', () => ({ extensions: nonce(128) }), 1],
    ['a critical nonce', () => ({ extensions: nonce(32, true) }), 1],
    ['an unknown extension', () => ({ extensions: extension('1.2.3', false) }), 1],
    ['an unknown extension of one question', () => ({ singleExtensions: extension('1.2.3', false) }), 1],
    ['a hash without parameters', () => ({ certIds: [oddCertId(oids.sha256, 32)] }), 1],
    ['a hash with NULL', () => ({ certIds: [oddCertId(oids.sha1, 20, 'null')] }), 1],
  ] as const satisfies readonly (readonly [string, () => RequestParts, number])[]) {
    it(`are read with ${what}`, () => {
      assert.equal(parseOcspRequest(request(parts())).certIds.length, expected)
    })
  }

  for (const [why, parts, code] of [
    ['no question', () => ({ certIds: [] }), 'OCSP_MALFORMED'],
    ['a nonce of no octets', () => ({ extensions: nonce(0) }), 'OCSP_MALFORMED'],
    ['a nonce of 129 octets', () => ({ extensions: nonce(129) }), 'OCSP_MALFORMED'],
    [
      'a nonce that is no OCTET STRING',
      () => ({ extensions: extension(oids.ocspNonce, false) }),
      'DER_INVALID',
    ],
    ['two nonces', () => ({ extensions: (der) => [0, 1].map(() => nonce(32)(der)) }), 'OCSP_MALFORMED'],
    ['no extension in a list of them', () => ({ extensions: () => {} }), 'OCSP_MALFORMED'],
    [
      'an unknown critical extension',
      () => ({ extensions: extension('1.2.3', true) }),
      'UNKNOWN_CRITICAL_EXTENSION',
    ],
    [
      'an unknown critical extension of one question',
      () => ({ singleExtensions: extension(oids.ocspNonce, true) }),
      'UNKNOWN_CRITICAL_EXTENSION',
    ],
    ['a hash that is not known', () => ({ certIds: [oddCertId('1.2.3', 32)] }), 'OCSP_HASH_UNSUPPORTED'],
    ['hashes of another length', () => ({ certIds: [oddCertId(oids.sha256, 20)] }), 'OCSP_MALFORMED'],
    ['a version that is the default', () => ({ version: 0 }), 'DER_INVALID'],
    ['another version', () => ({ version: 1 }), 'DER_INVALID'],
    ['a signature of nobody', () => ({ signature }), 'OCSP_MALFORMED'],
    [
      'a signature that is malformed',
      () => ({ requestor: true, signature: (der) => der.null() }),
      'DER_INVALID',
    ],
    [
      'more questions than are read',
      () => ({ certIds: new Array<Uint8Array>(ocspBudget.requests + 1).fill(certId('sha1').der) }),
      'DER_BUDGET_EXCEEDED',
    ],
    [
      'more octets than are read',
      () => ({ extensions: (der) => nonce(ocspBudget.requestBytes)(der) }),
      'DER_BUDGET_EXCEEDED',
    ],
  ] as const satisfies readonly (readonly [string, () => RequestParts, string])[]) {
    it(`are refused with ${why}`, () => {
      assert.throws(() => parseOcspRequest(request(parts())), { code })
    })
  }

  it('are not made with a nonce that no client may send', () => {
    for (const octets of [0, 31, 129]) {
      assert.throws(() => encodeOcspRequest({ certId: certId(), nonce: new Uint8Array(octets) }), TypeError)
    }
  })

  it('fit a URL with a serial of 16 octets and no nonce', () => {
    const { serial } = ca.issuing.certificate
    const der = encodeOcspRequest({
      certId: certIdOf({ issuer: ca.root.certificate, serial, hash: 'sha256' }),
    })
    assert.ok(
      'http://ocsp.service.datapunk/'.length +
        encodeURIComponent(Buffer.from(der).toString('base64')).length <=
        255,
    )
  })
})
