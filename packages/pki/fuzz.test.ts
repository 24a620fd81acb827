import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { logsOf, TestCa, TestLog, testExtension } from '@datapunk/testkit'
import fc from 'fast-check'
import { parseCertificate, parseTbsCertificate } from './certificate.ts'
import { checkCrl, checkDelta } from './crl/check-crl.ts'
import { parseCrl } from './crl/crl.ts'
import { RevokedEntries } from './crl/revoked-entries.ts'
import { signCrl } from './crl/sign-crl.ts'
import { createCsr, parseCsr } from './csr.ts'
import { readDer } from './der/reader.ts'
import { encodeDer } from './der/writer.ts'
import { readExtensions } from './extensions/extensions.ts'
import { keyAlgorithmOf } from './keys/public-key.ts'
import { encodeName, readName } from './name.ts'
import { type CertId, certIdOf } from './ocsp/cert-id.ts'
import type { CertStatus } from './ocsp/cert-status.ts'
import { checkOcspResponse } from './ocsp/check-ocsp-response.ts'
import { ocspErrorResponse } from './ocsp/ocsp-error-response.ts'
import { encodeOcspRequest, parseOcspRequest } from './ocsp/ocsp-request.ts'
import { parseOcspResponse } from './ocsp/ocsp-response.ts'
import { signOcspResponse } from './ocsp/sign-ocsp-response.ts'
import { verifyPath } from './path/verify-path.ts'
import { decodePem, encodePem } from './pem.ts'
import { PkiError } from './pki-error.ts'
import { checkSubmission } from './transparency/check-submission.ts'
import { precertEntry, x509Entry } from './transparency/log-entry.ts'
import { encodeSct, parseSct } from './transparency/sct.ts'
import { encodeSctList, parseSctList } from './transparency/sct-list.ts'
import { withoutPoison, withoutSctList } from './transparency/tbs-extensions.ts'
import { encodeTileLeaf, parseDataTile, parseTileLeaf } from './transparency/tile-leaf.ts'
import { verifyScts } from './transparency/verify-scts.ts'

/** Inputs tried per parser and kind of input. `PKI_FUZZ_RUNS=1000000` makes a night of it. */
const numRuns = Number(process.env.PKI_FUZZ_RUNS ?? 1500)

/**
 * One change to a valid object. Places are shares of the length, so that they mean something for every
 * object.
 */
type Edit = (octets: Uint8Array) => Uint8Array

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(place, fc.nat(255)).map(
    ([at, value]): Edit =>
      (octets) =>
        withOctet(octets, at, () => value),
  ),
  fc.tuple(place, fc.nat(7)).map(
    ([at, bit]): Edit =>
      (octets) =>
        withOctet(octets, at, (octet) => octet ^ (1 << bit)),
  ),
  fc.tuple(place, fc.constantFrom(1, -1)).map(
    ([at, by]): Edit =>
      (octets) =>
        withOctet(octets, at, (octet) => octet + by),
  ),
  place.map(
    (at): Edit =>
      (octets) =>
        octets.slice(0, index(octets, at)),
  ),
  fc.tuple(place, fc.uint8Array({ maxLength: 12 })).map(
    ([at, more]): Edit =>
      (octets) =>
        insert(octets, at, more),
  ),
  fc.tuple(place, hugeLength()).map(
    ([at, more]): Edit =>
      (octets) =>
        insert(octets, at, more),
  ),
  fc.tuple(place, place, place).map(
    ([from, to, at]): Edit =>
      (octets) => {
        return insert(octets, at, octets.slice(index(octets, from), index(octets, to)))
      },
  ),
  fc.tuple(place, place).map(
    ([from, to]): Edit =>
      (octets) => {
        const [start, end] = [index(octets, from), index(octets, to)].sort((a, b) => a - b) as [
          number,
          number,
        ]
        return Uint8Array.of(...octets.subarray(0, start), ...octets.subarray(end))
      },
  ),
)

/** Octets that anybody might send, among them elements that say they are enormous or nest without end. */
const anyOctets = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc
    .tuple(hugeLength(), fc.uint8Array({ maxLength: 20 }))
    .map(([head, rest]) => Uint8Array.of(...head, ...rest)),
  fc
    .tuple(fc.constantFrom(0x30, 0x31, 0xa0, 0xa3), fc.integer({ min: 1, max: 3000 }))
    .map(([tag, depth]) => nest(tag, depth)),
  fc
    .tuple(fc.constantFrom(0x30, 0x05, 0x02, 0x06), fc.integer({ min: 1, max: 30_000 }))
    .map(([tag, count]) => {
      const list = new Uint8Array(count * 2)
      for (let at = 0; at < list.length; at += 2) list[at] = tag
      return encodeDer((der) => der.sequence(() => der.raw(list)))
    }),
)

describe('whatever the octets, there is a value or a PkiError', () => {
  let samples: Record<string, readonly Uint8Array[]>
  before(async () => {
    samples = await makeSamples()
  })

  const parsers: Readonly<Record<string, (octets: Uint8Array) => unknown>> = {
    certificate: parseCertificate,
    tbsCertificate: parseTbsCertificate,
    csr: parseCsr,
    crl: (octets) => {
      const { entries } = parseCrl(octets)
      return [...entries].map(({ serial }) => entries.find(serial))
    },
    name: (octets) => readDer(octets, readName).toString(),
    extensions: (octets) => readDer(octets, readExtensions),
    ocspRequest: parseOcspRequest,
    ocspResponse: parseOcspResponse,
    publicKey: keyAlgorithmOf,
    sct: parseSct,
    sctList: (octets) => parseSctList(octets).map(parseSct),
    tileLeaf: parseTileLeaf,
    dataTile: parseDataTile,
    withoutPoison,
    withoutSctList,
    pem: (octets) => decodePem(octets, 'CERTIFICATE'),
  }

  for (const [name, parse] of Object.entries(parsers)) {
    it(`${name}: its samples are valid`, () => {
      for (const sample of samples[name] ?? assert.fail()) parse(sample)
    })

    it(`${name}: valid ones that were changed`, () => {
      const edits = fc.array(edit, { minLength: 1, maxLength: 4 })
      fc.assert(
        fc.property(fc.nat(), edits, (which, changes) => {
          const list = samples[name] ?? assert.fail()
          const sample = list[which % list.length] as Uint8Array
          tolerate(() => parse(changes.reduce((octets, change) => change(octets), sample)))
        }),
        { numRuns },
      )
    })

    it(`${name}: octets of all kinds`, () => {
      fc.assert(
        fc.property(anyOctets, (octets) => {
          tolerate(() => parse(octets))
        }),
        { numRuns: numRuns / 5 },
      )
    })

    it(`${name}: every beginning of a valid one`, () => {
      for (const sample of samples[name] ?? assert.fail()) {
        for (let end = 0; end < Math.min(sample.length, 1500); end++)
          tolerate(() => parse(sample.subarray(0, end)))
      }
    })
  }
})

describe('whatever is changed in a certificate', () => {
  let ca: TestCa
  before(async () => {
    ca = await TestCa.create()
  })

  it('no path goes from or over it any more', async () => {
    const leaf = await ca.leaf('lake')
    const verify = (leafDer: Uint8Array, issuingDer: Uint8Array): void => {
      verifyPath({
        leaf: parseCertificate(leafDer),
        intermediates: [parseCertificate(issuingDer)],
        roots: [ca.root.certificate],
        at: ca.at,
        usage: 'serverAuth',
      })
    }
    verify(leaf.der, ca.issuing.der)
    fc.assert(
      fc.property(edit, fc.boolean(), (change, ofLeaf) => {
        const changed = change(ofLeaf ? leaf.der : ca.issuing.der)
        fc.pre(Buffer.compare(changed, ofLeaf ? leaf.der : ca.issuing.der) !== 0)
        const accepted = tolerate(() =>
          verify(ofLeaf ? changed : leaf.der, ofLeaf ? ca.issuing.der : changed),
        )
        assert.equal(accepted, false)
      }),
      { numRuns },
    )
  })
})

describe('whatever is changed in a revocation list', () => {
  it('it answers for nobody any more', async () => {
    const ca = await TestCa.create()
    const lists = await makeLists(ca)
    const scope = { uri: 'http://a.b/c', onlyContains: 'user-certificates' } as const
    const expected = { issuer: ca.issuing.certificate, at: ca.at }
    const check = (der: Uint8Array): void => {
      const crl = parseCrl(der)
      if (crl.base === undefined) checkCrl(crl, expected)
      else checkDelta(crl, { ...expected, scope })
    }
    for (const list of lists) check(list)
    fc.assert(
      fc.property(edit, fc.constantFrom(...lists), (change, list) => {
        const changed = change(list)
        fc.pre(Buffer.compare(changed, list) !== 0)
        assert.equal(
          tolerate(() => check(changed)),
          false,
        )
      }),
      { numRuns },
    )
  })
})

describe('whatever is changed in an OCSP response', () => {
  it('it says nothing else, and is refused where that would be', async () => {
    const ca = await TestCa.create()
    const { leaf, good } = await makeOcspSamples(ca)
    const verify = (der: Uint8Array) =>
      checkOcspResponse({
        response: parseOcspResponse(der),
        leaf,
        issuer: ca.issuing.certificate,
        at: ca.at,
        clockSkew: 0,
      })
    const { status, nextUpdate } = verify(good)
    fc.assert(
      fc.property(edit, (change) => {
        tolerate(() => {
          const changed = verify(change(good))
          assert.deepEqual([changed.status, changed.nextUpdate], [status, nextUpdate])
        })
      }),
      { numRuns },
    )
  })
})

describe('whatever is changed in a certificate or its SCTs', () => {
  it('its SCT is good for nothing that the log has not signed', async () => {
    const [ca, log] = [await TestCa.create(), await TestLog.create()]
    const { certificate, der } = await ca.loggedLeaf('lake', log)
    const check = { issuerSpki: ca.issuing.certificate.spki, logs: logsOf(log), latest: ca.at }
    assert.equal(verifyScts(certificate, check).good.length, 1)
    const signed = withoutSctList(certificate.tbs)
    fc.assert(
      fc.property(edit, (change) => {
        tolerate(() => {
          const changed = parseCertificate(change(der))
          const { good } = verifyScts(changed, check)
          if (good.length > 0) assert.deepEqual(withoutSctList(changed.tbs), signed)
        })
      }),
      { numRuns },
    )
  })

  it('no log takes the chain any more', async () => {
    const ca = await TestCa.create()
    const { der } = await ca.leaf('lake', { extensions: { poison } })
    const submit = (octets: Uint8Array, issuing: Uint8Array) =>
      checkSubmission([octets, issuing], { roots: [ca.root.certificate], kind: 'pre-chain', now: ca.at })
    submit(der, ca.issuing.der)
    fc.assert(
      fc.property(edit, fc.boolean(), (change, ofLeaf) => {
        const changed = change(ofLeaf ? der : ca.issuing.der)
        fc.pre(Buffer.compare(changed, ofLeaf ? der : ca.issuing.der) !== 0)
        const taken = tolerate(() => submit(ofLeaf ? changed : der, ofLeaf ? ca.issuing.der : changed))
        assert.equal(taken, false)
      }),
      { numRuns },
    )
  })
})

const poison = testExtension.poison()

/** @returns whether it went through; anything but a `PkiError` fails the test */
function tolerate(call: () => unknown): boolean {
  try {
    call()
    return true
  } catch (error) {
    if (error instanceof PkiError) return false
    throw error
  }
}

async function makeSamples(): Promise<Record<string, readonly Uint8Array[]>> {
  const ca = await TestCa.create()
  const rsa = await ca.leaf('rsa', { algorithm: 'rsa' })
  const lake = await ca.leaf('lake', { extensions: rare })
  const all = [ca.root, ca.issuing, lake, rsa]
  const extensions = all.map(({ certificate }) =>
    encodeDer((der) =>
      der.sequence(() => {
        for (const { oid, critical, value } of certificate.extensions.all) {
          der.raw(testExtension.raw(oid, value, critical))
        }
      }),
    ),
  )
  const csr = await createCsr({
    subject: encodeName({ commonName: 'lake', organization: 'Datapunk' }),
    signer: lake.signer,
    dnsNames: ['lake.service.datapunk'],
  })
  const ocsp = await makeOcspSamples(ca)
  const log = await TestLog.create()
  const logged = await ca.loggedLeaf('lake', log)
  const precertificate = await ca.leaf('lake', { extensions: { poison } })
  const sct = encodeSct(
    await log.sct({ tbs: lake.certificate.tbs, issuerSpki: ca.issuing.certificate.spki }, ca.at),
  )
  const tileLeaves = makeTileLeaves(precertificate.der)
  return {
    sct: [sct],
    sctList: [encodeSctList([sct]), encodeSctList([sct, sct])],
    tileLeaf: tileLeaves,
    dataTile: [new Uint8Array(Buffer.concat(tileLeaves))],
    withoutPoison: [precertificate.certificate.tbs],
    withoutSctList: [logged.certificate.tbs],
    certificate: [...all, logged, precertificate].map(({ der }) => der),
    tbsCertificate: all.map(({ certificate }) => certificate.tbs),
    csr: [csr],
    crl: await makeLists(ca),
    name: all.map(({ certificate }) => certificate.subject.der),
    extensions,
    ocspRequest: ocsp.requests,
    ocspResponse: ocsp.responses,
    publicKey: all.map(({ certificate }) => certificate.spki),
    pem: [
      new TextEncoder().encode(ca.chainPem(lake)),
      new TextEncoder().encode(encodePem('CERTIFICATE', rsa.der)),
    ],
  }
}

function makeTileLeaves(der: Uint8Array): Uint8Array[] {
  const place = { timestamp: 1, leafIndex: 2, chain: [new Uint8Array(32)] }
  const entry = precertEntry({ tbs: der.subarray(4), issuerKeyHash: new Uint8Array(32) })
  return [
    encodeTileLeaf({ ...place, entry, precertificate: der }),
    encodeTileLeaf({ ...place, entry: x509Entry(der), precertificate: undefined }),
  ]
}

/** Full and delta, of everything and of a shard, with and without entries. */
function makeLists(ca: TestCa): Promise<Uint8Array[]> {
  const entries = (['unspecified', 'keyCompromise', 'superseded'] as const).map((reason, index) =>
    RevokedEntries.of({ serial: Uint8Array.of(index + 1, 0xff), at: ca.at, reason }),
  )
  const usual = { issuer: ca.issuing.certificate, number: 5, thisUpdate: ca.at, nextUpdate: ca.at + 1000 }
  const scope = { uri: 'http://a.b/c', onlyContains: 'user-certificates' } as const
  const requests = [
    { ...usual, entries },
    { ...usual, entries: [], freshest: 'http://a.b/d' },
    { ...usual, entries, base: 4, scope },
  ]
  return Promise.all(requests.map((request) => signCrl(request, ca.issuing.signer)))
}

async function makeOcspSamples(ca: TestCa) {
  const issuer = ca.issuing.certificate
  const { certificate: leaf } = await ca.leaf('nexus')
  const { certificate: responder, signer } = await ca.ocspSigner()
  const nonce = new Uint8Array(32).fill(7)
  const [sha1, sha256] = (['sha1', 'sha256'] as const).map((hash) =>
    certIdOf({ issuer, serial: leaf.serial, hash }),
  ) as [CertId, CertId]
  const times = { thisUpdate: ca.at, nextUpdate: ca.at + 60_000 }
  const sign = (...statuses: readonly CertStatus[]) => {
    const answers = statuses.map((status, index) => ({
      certId: index === 0 ? sha256 : sha1,
      status,
      ...times,
    }))
    return signOcspResponse({ responder, producedAt: ca.at, answers, nonce, extendedRevoke: true }, signer)
  }
  const good = await sign({ kind: 'good' })
  const revoked = await sign({ kind: 'revoked', at: ca.at, reason: 'keyCompromise' }, { kind: 'unknown' })
  return {
    leaf,
    good,
    requests: [encodeOcspRequest({ certId: sha1 }), encodeOcspRequest({ certId: sha256, nonce })],
    responses: [good, revoked, ocspErrorResponse('tryLater')],
  }
}

/** Extensions that few certificates have, so that their readers are fuzzed too. */
const rare = {
  crlDistributionPoints: testExtension.raw(
    '2.5.29.31',
    hex('3018 3016 a014 a012 8610 687474703a2f2f612e622f632e63726c'),
  ),
  authorityInfoAccess: testExtension.raw(
    '1.3.6.1.5.5.7.1.1',
    hex('3018 3016 06082b06010505073001 860a 687474703a2f2f612f62'),
  ),
  freshestCrl: testExtension.raw(
    '2.5.29.46',
    hex('3018 3016 a014 a012 8610 687474703a2f2f612e622f632e63726c'),
  ),
  tlsFeature: testExtension.raw('1.3.6.1.5.5.7.1.24', hex('3006 020105 020111')),
  nameConstraints: testExtension.nameConstraints(
    { domains: ['a.b'], ipRanges: ['10.0.0.0/8'] },
    { uriHosts: ['c.d'] },
  ),
}

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

/** A tag and a length of up to four, or too many, octets. */
function hugeLength(): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.constantFrom(0x30, 0x04, 0x03, 0x02, 0x06, 0x0c, 0xa0), fc.integer({ min: 0x80, max: 0x8f }))
    .map(([tag, octets]) => Uint8Array.of(tag, octets, ...new Uint8Array(octets & 0x7f).fill(0xff)))
}

/** Empty elements inside each other, written from the innermost outwards. */
function nest(tag: number, depth: number): Uint8Array {
  const reversed: number[] = []
  for (let i = 0; i < depth; i++) {
    const { length } = reversed
    if (length < 0x80) reversed.push(length, tag)
    else reversed.push(length & 0xff, length >> 8, 0x82, tag)
  }
  return Uint8Array.from(reversed.reverse())
}

function index(octets: Uint8Array, at: number): number {
  return Math.floor(at * octets.length)
}

function withOctet(octets: Uint8Array, at: number, change: (octet: number) => number): Uint8Array {
  const changed = new Uint8Array(octets)
  if (changed.length > 0) changed[index(octets, at)] = change(changed[index(octets, at)] as number)
  return changed
}

function insert(octets: Uint8Array, at: number, more: Uint8Array): Uint8Array {
  return Uint8Array.of(
    ...octets.subarray(0, index(octets, at)),
    ...more,
    ...octets.subarray(index(octets, at)),
  )
}
