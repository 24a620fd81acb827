import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { badCertificates, TestCa, type TestIdentity, testExtension } from '@datapunk/testkit'
import { type Certificate, parseCertificate } from '../certificate.ts'
import { type DerWriter, encodeDer } from '../der/writer.ts'
import { generateKeyPair, type KeyPair } from '../keys/key-algorithm.ts'
import { publicKeyOf } from '../keys/public-key.ts'
import { oids } from '../oids.ts'
import type { PkiErrorCode } from '../pki-error.ts'
import { type PathRequest, type VerifiedPath, verifyPath } from './verify-path.ts'

const hour = 60 * 60 * 1000

let ca: TestCa
let leaf: TestIdentity
before(async () => {
  ca = await TestCa.create()
  leaf = await ca.leaf('lake')
})

function verify(overrides: Partial<PathRequest> = {}): VerifiedPath {
  return verifyPath({
    leaf: leaf.certificate,
    intermediates: [ca.issuing.certificate],
    roots: [ca.root.certificate],
    at: ca.at,
    name: { dns: 'lake.service.datapunk' },
    usage: 'serverAuth',
    ...overrides,
  })
}

function refuses(code: PkiErrorCode, overrides: Partial<PathRequest>): void {
  assert.throws(() => verify(overrides), { code })
}

const certificates = (...identities: TestIdentity[]): Certificate[] =>
  identities.map(({ certificate }) => certificate)

describe('a path', () => {
  it('goes from the leaf to the root, and is valid as long as all of it', () => {
    const path = verify()
    assert.deepEqual(
      path.chain,
      [leaf, ca.issuing, ca.root].map(({ certificate }) => certificate),
    )
    assert.deepEqual([path.notBefore, path.notAfter], [leaf.certificate.notBefore, leaf.certificate.notAfter])
  })

  it('is made by nobody but verifyPath', () => {
    const Forged = verify().constructor as new (by: symbol, chain: readonly Certificate[]) => VerifiedPath
    assert.throws(() => new Forged(Symbol('verifyPath'), []), TypeError)
  })

  for (const algorithm of ['rsa', 'ecdsa-p384', 'ed25519', 'ml-dsa-65'] as const) {
    it(`is verified with ${algorithm} too`, async () => {
      const other = await TestCa.create({ algorithm })
      const { certificate } = await other.leaf('lake')
      verify({
        leaf: certificate,
        intermediates: certificates(other.issuing),
        roots: certificates(other.root),
      })
    })
  }
})

describe('a leaf', () => {
  for (const [fault, { code, fault: text, make }] of Object.entries(badCertificates)) {
    it(`with ${text} (${fault}) is ${code === undefined ? 'for the mesh to refuse' : `refused: ${code}`}`, async () => {
      const { der } = await make(ca, 'lake')
      const check = (): VerifiedPath => verify({ leaf: parseCertificate(der) })
      if (code === undefined) check()
      else assert.throws(check, { code })
    })
  }

  it('with a poison that is not critical is no less a precertificate', async () => {
    const poison = testExtension.poison(false)
    refuses('UNKNOWN_CRITICAL_EXTENSION', {
      leaf: (await ca.leaf('lake', { extensions: { poison } })).certificate,
    })
  })

  it('is valid through both ends of its validity, the last second to its end', () => {
    const { notBefore, notAfter } = leaf.certificate
    for (const at of [notBefore, notAfter, notAfter + 999]) verify({ at })
    refuses('CERTIFICATE_NOT_YET_VALID', { at: notBefore - 1 })
    refuses('CERTIFICATE_EXPIRED', { at: notAfter + 1000 })
  })

  it('is never verified for no time at all, or to no depth at all', () => {
    assert.throws(() => verify({ at: Number.NaN }), TypeError)
    refuses('PATH_TOO_DEEP', { maxDepth: Number.NaN })
  })

  it('is named by DNS name, address and URI, and by nothing else', async () => {
    for (const name of [
      { dns: 'LAKE.service.datapunk' },
      { ip: '127.0.0.1' },
      { ip: '0:0:0:0:0:0:0:1' },
      { uri: 'spiffe://service.datapunk/lake' },
      undefined,
    ]) {
      verify({ name })
    }
    for (const name of [
      { dns: 'service.datapunk' },
      { dns: '*.service.datapunk' },
      { dns: 'lake.service.datapunk.' },
      { dns: '127.0.0.1' },
      { dns: '' },
      { ip: '127.0.0.2' },
      { ip: 'lake.service.datapunk' },
      { uri: 'spiffe://service.datapunk/LAKE' },
    ]) {
      refuses('NAME_MISMATCH', { name })
    }
  })

  it('may bear a wildcard, for exactly one label', async () => {
    const { certificate } = await badCertificates.wildcardName.make(ca, 'lake')
    verify({ leaf: certificate, name: { dns: 'anything.service.datapunk' } })
    refuses('NAME_MISMATCH', { leaf: certificate, name: { dns: 'a.b.service.datapunk' } })
    refuses('NAME_MISMATCH', { leaf: certificate, name: { dns: 'service.datapunk' } })
  })

  it('is good for the purposes it names only', async () => {
    const { certificate } = await ca.leaf('lake', {
      extensions: { extendedKeyUsage: testExtension.extendedKeyUsage([oids.clientAuth]) },
    })
    verify({ leaf: certificate, usage: 'clientAuth' })
    refuses('EXTENDED_KEY_USAGE_NOT_ALLOWED', { leaf: certificate, usage: 'serverAuth' })
  })

  it('that is trusted itself is no path', () => {
    refuses('ISSUER_UNKNOWN', { roots: [leaf.certificate] })
  })
})

describe('an issuer', () => {
  async function below(issuing: TestIdentity, ...more: TestIdentity[]): Promise<Partial<PathRequest>> {
    const { certificate } = await ca.leaf('lake', {}, issuing)
    return { leaf: certificate, intermediates: certificates(issuing, ...more) }
  }

  it('that is no CA is refused', async () => {
    refuses('ISSUER_NOT_CA', await below(await ca.leaf('other'), ca.issuing))
    const noConstraints = await ca.intermediate('x', { extensions: { basicConstraints: null } })
    refuses('ISSUER_NOT_CA', await below(noConstraints))
  })

  it('that may not sign certificates is refused', async () => {
    const keyUsage = testExtension.keyUsage(['cRLSign'])
    refuses('KEY_USAGE_NOT_ALLOWED', await below(await ca.intermediate('x', { extensions: { keyUsage } })))
  })

  it('that has expired, or is not valid yet, is refused', async () => {
    refuses('CERTIFICATE_EXPIRED', await below(await ca.intermediate('x', { notAfter: ca.at - hour })))
    refuses('CERTIFICATE_NOT_YET_VALID', await below(await ca.intermediate('x', { notBefore: ca.at + hour })))
  })

  it('restricts purposes by its own', async () => {
    const withPurpose = (purpose: string): Promise<TestIdentity> =>
      ca.intermediate('x', { extensions: { extendedKeyUsage: testExtension.extendedKeyUsage([purpose]) } })
    refuses('EXTENDED_KEY_USAGE_NOT_ALLOWED', await below(await withPurpose(oids.clientAuth)))
    verify(await below(await withPurpose(oids.serverAuth)))
    verify(await below(await withPurpose(oids.anyExtendedKeyUsage)))
  })

  it('with a critical extension nobody knows is refused', async () => {
    const unknown = testExtension.raw('1.2.3', Uint8Array.of(5, 0), true)
    refuses(
      'UNKNOWN_CRITICAL_EXTENSION',
      await below(await ca.intermediate('x', { extensions: { unknown } })),
    )
  })

  it('lets as many follow as its path length says; those that are self-issued do not count', async () => {
    const one = testExtension.basicConstraints(true, 1)
    const a = await ca.intermediate('a', { extensions: { basicConstraints: one } })
    const again = await ca.intermediate('a', {}, a)
    const b = await ca.intermediate('b', {}, again)
    const c = await ca.intermediate('c', {}, b)
    verify(await below(b, again, a))
    refuses('PATH_LENGTH_EXCEEDED', await below(c, b, again, a))
  })

  it('lies at most so deep', async () => {
    const a = await ca.intermediate('a')
    const b = await ca.intermediate('b', {}, a)
    const request = await below(b, a)
    verify({ ...request, maxDepth: 2 })
    refuses('PATH_TOO_DEEP', { ...request, maxDepth: 1 })
    verify({ leaf: (await ca.leaf('lake', {}, ca.root)).certificate, maxDepth: 0 })
  })

  it('is held to the form of certificates, a root too', async () => {
    for (const extensions of [
      { subjectKeyIdentifier: null },
      { basicConstraints: testExtension.basicConstraints(true, undefined, false) },
      { nameConstraints: testExtension.nameConstraints({ domains: ['service.datapunk'] }, {}, false) },
      { nameConstraints: testExtension.nameConstraints({ domains: ['.service.datapunk'] }) },
    ]) {
      refuses('CERTIFICATE_UNFIT', await below(await ca.intermediate('x', { extensions })))
      const other = await TestCa.create({ root: { extensions } })
      const { certificate } = await other.leaf('lake')
      refuses('CERTIFICATE_UNFIT', {
        leaf: certificate,
        intermediates: certificates(other.issuing),
        roots: certificates(other.root),
      })
    }
  })

  it('that is a root and has expired is refused', async () => {
    const other = await TestCa.create({ root: { notAfter: ca.at - hour } })
    const { certificate } = await other.leaf('lake')
    refuses('CERTIFICATE_EXPIRED', {
      leaf: certificate,
      intermediates: certificates(other.issuing),
      roots: certificates(other.root),
    })
  })
})

describe('name constraints', () => {
  const limited = (constraints: Uint8Array): Promise<TestIdentity> =>
    ca.intermediate('limited', { extensions: { nameConstraints: constraints } })

  async function leafBelow(issuer: TestIdentity): Promise<Partial<PathRequest>> {
    return { leaf: (await ca.leaf('lake', {}, issuer)).certificate, intermediates: certificates(issuer) }
  }

  it('of every form are kept', async () => {
    verify(await leafBelow(await limited(testExtension.nameConstraints({ domains: ['service.datapunk'] }))))
    for (const constraints of [
      testExtension.nameConstraints({ domains: ['elsewhere.example'] }),
      testExtension.nameConstraints({ uriHosts: ['elsewhere.example'] }),
      testExtension.nameConstraints({ ipRanges: ['10.0.0.0/8'] }),
      testExtension.nameConstraints({}, { domains: ['lake.service.datapunk'] }),
      testExtension.nameConstraints({}, { uriHosts: ['service.datapunk'] }),
      testExtension.nameConstraints({}, { ipRanges: ['::/0'] }),
    ]) {
      refuses('NAME_CONSTRAINT_VIOLATED', await leafBelow(await limited(constraints)))
    }
  })

  it('of a root bind the CAs below it as well, unless they are self-issued', async () => {
    const excluded = { nameConstraints: testExtension.nameConstraints({}, { domains: ['bad.example'] }) }
    const other = await TestCa.create({ root: { extensions: excluded } })
    const subjectAltName = testExtension.subjectAltName({ dnsNames: ['ca.bad.example'] })
    const named = await other.intermediate('named', { extensions: { subjectAltName } }, other.root)
    const request = async (issuer: TestIdentity): Promise<Partial<PathRequest>> => ({
      leaf: (await other.leaf('lake', {}, issuer)).certificate,
      intermediates: certificates(issuer),
      roots: certificates(other.root),
    })
    refuses('NAME_CONSTRAINT_VIOLATED', await request(named))
    const selfIssued = await other.intermediate(
      'unused',
      { subject: other.root.certificate.subject.der, extensions: { subjectAltName } },
      other.root,
    )
    verify(await request(selfIssued))
  })

  it('bind the subject too, and an e-mail address in it where the alternative names have none', async () => {
    const nameOf = (type: string, text: string) =>
      encodeDer((der) =>
        der.sequence(() =>
          der.set(() =>
            der.sequence(() => {
              der.oid(type)
              der.utf8(text)
            }),
          ),
        ),
      )
    const excluding = async (writeBase: (der: DerWriter) => void) => {
      const value = encodeDer((der) =>
        der.sequence(() => der.explicit(1, () => der.sequence(() => writeBase(der)))),
      )
      const issuer = await limited(testExtension.raw(oids.nameConstraints, value, true))
      return async (subject: Uint8Array) => {
        const { certificate } = await ca.leaf('lake', { subject }, issuer)
        return { leaf: certificate, intermediates: certificates(issuer) }
      }
    }
    const organization = nameOf(oids.organizationName, 'Evil')
    const withoutEvil = await excluding((der) => der.explicit(4, () => der.raw(organization)))
    refuses('NAME_CONSTRAINT_VIOLATED', await withoutEvil(organization))
    verify(await withoutEvil(nameOf(oids.commonName, 'Evil')))
    const withoutMail = await excluding((der) => der.ascii('evil.example', 0x81))
    refuses('NAME_CONSTRAINT_VIOLATED', await withoutMail(nameOf(oids.emailAddress, 'a@evil.example')))
    verify(await withoutMail(nameOf(oids.emailAddress, 'a@good.example')))
    const withoutRegistered = await excluding((der) => der.element(0x88, Uint8Array.of(0x2a, 0x03)))
    verify(await withoutRegistered(organization))
  })

  it('cannot be dodged by a wildcard', async () => {
    const issuer = await limited(testExtension.nameConstraints({}, { domains: ['lake.service.datapunk'] }))
    const { certificate } = await ca.leaf(
      'lake',
      { extensions: { subjectAltName: testExtension.subjectAltName({ dnsNames: ['*.service.datapunk'] }) } },
      issuer,
    )
    refuses('NAME_CONSTRAINT_VIOLATED', { leaf: certificate, intermediates: certificates(issuer) })
  })

  it('of forms that are not understood refuse names of that form', async () => {
    const registeredId = Uint8Array.of(0x30, 0x08, 0xa0, 0x06, 0x30, 0x04, 0x88, 0x02, 0x2a, 0x03)
    const registered = await limited(testExtension.raw(oids.nameConstraints, registeredId, true))
    verify(await leafBelow(registered))
    const subjectAltName = testExtension.raw(
      oids.subjectAltName,
      Uint8Array.of(0x30, 0x04, 0x88, 0x02, 0x2a, 0x03),
    )
    const excluded = Uint8Array.of(0x30, 0x08, 0xa1, ...registeredId.subarray(3))
    const other = await limited(testExtension.raw(oids.nameConstraints, excluded, true))
    for (const issuer of [registered, other]) {
      const { certificate } = await ca.leaf('lake', { extensions: { subjectAltName } }, issuer)
      refuses('NAME_CONSTRAINT_UNPROCESSABLE', {
        leaf: certificate,
        intermediates: certificates(issuer),
        name: undefined,
      })
    }
  })
})

describe('of several ways up', () => {
  it('the one that holds is found, in whatever order they come', async () => {
    const keyPair = await generateKeyPair('ecdsa-p256')
    const old = await TestCa.create({ trustDomain: 'service.datapunk', seed: 'old' })
    const same = { keyPair }
    const expired = await ca.intermediate('shared', { ...same, notAfter: ca.at - hour })
    const byOld = await ca.intermediate('shared', same, old.root)
    const byNew = await ca.intermediate('shared', same)
    const { certificate } = await ca.leaf('lake', {}, byNew)
    for (const intermediates of [
      certificates(expired, byOld, byNew),
      certificates(byNew, byOld, expired),
      certificates(byOld, ca.issuing, byNew, expired),
    ]) {
      assert.equal(verify({ leaf: certificate, intermediates }).chain[1], byNew.certificate)
    }
    assert.equal(
      verify({ leaf: certificate, intermediates: certificates(byNew, byOld), roots: certificates(old.root) })
        .chain[1],
      byOld.certificate,
    )
    refuses('CERTIFICATE_EXPIRED', { leaf: certificate, intermediates: certificates(expired) })
  })

  it('cross-signs lead over to the root that is trusted, both ways', async () => {
    const next = await TestCa.create({ trustDomain: 'service.datapunk', seed: 'next' })
    const subject = next.root.certificate.subject.der
    const newWithOld = await ca.intermediate('unused', { keyPair: keyPairOf(next.root), subject })
    const { certificate } = await next.leaf('lake')
    const path = verify({ leaf: certificate, intermediates: certificates(next.issuing, newWithOld) })
    assert.equal(path.chain.length, 4)
  })

  it('what is missing is told of the certificate whose issuer it is', async () => {
    const other = await TestCa.create({ trustDomain: 'elsewhere' })
    assert.throws(() => verify({ roots: certificates(other.root) }), {
      code: 'ISSUER_UNKNOWN',
      message: /its issuer .*CN=service.datapunk root.* is not known here/,
    })
  })

  it('a root may be trusted by what another CA has issued to it', async () => {
    const { root } = await TestCa.create({ trustDomain: 'service.datapunk', seed: 'above' })
    const crossSigned = await ca.intermediate('shared', {}, root)
    const { certificate } = await ca.leaf('lake', {}, crossSigned)
    const path = verify({ leaf: certificate, intermediates: [], roots: certificates(crossSigned) })
    assert.deepEqual(path.chain, [certificate, crossSigned.certificate])
  })

  it('rings end', async () => {
    const keys = [await generateKeyPair('ecdsa-p256'), await generateKeyPair('ecdsa-p256')] as const
    const a = await ca.intermediate('a', { keyPair: keys[0] }, ca.root)
    const b = await ca.intermediate('b', { keyPair: keys[1] }, a)
    const aByB = await ca.intermediate('a', { keyPair: keys[0] }, b)
    const { certificate } = await ca.leaf('lake', {}, aByB)
    refuses('ISSUER_UNKNOWN', { leaf: certificate, intermediates: certificates(b, aByB) })
    verify({ leaf: certificate, intermediates: certificates(b, aByB, a) })
  })

  it('the search ends when the budget is spent', async () => {
    // Twelve authorities, each certified by each other: more paths than anybody could walk.
    const keyPairs = await Promise.all(Array.from({ length: 12 }, () => generateKeyPair('ecdsa-p256')))
    const authorities = await Promise.all(
      keyPairs.map((keyPair, i) => ca.intermediate(`a${i}`, { keyPair }, ca.issuing)),
    )
    const crossed = await Promise.all(
      authorities.flatMap((issuer) =>
        keyPairs.map((keyPair, i) => ca.intermediate(`a${i}`, { keyPair }, issuer)),
      ),
    )
    const { certificate } = await ca.leaf('lake', {}, authorities[0])
    refuses('PATH_BUDGET_EXCEEDED', { leaf: certificate, intermediates: certificates(...crossed) })
  })

  it('names held against constraints are counted too', async () => {
    const domains = Array.from({ length: 600 }, (_, i) => `d${i}.example`)
    const issuer = await ca.intermediate('x', {
      extensions: { nameConstraints: testExtension.nameConstraints({}, { domains }) },
    })
    const dnsNames = Array.from({ length: 600 }, (_, i) => `l${i}.service.datapunk`)
    const { certificate } = await ca.leaf(
      'lake',
      { extensions: { subjectAltName: testExtension.subjectAltName({ dnsNames }) } },
      issuer,
    )
    refuses('PATH_BUDGET_EXCEEDED', { leaf: certificate, intermediates: certificates(issuer) })
  })
})

function keyPairOf({ privateKey, certificate }: TestIdentity): KeyPair {
  return { privateKey, publicKey: publicKeyOf(certificate.spki) }
}
