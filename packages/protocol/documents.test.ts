import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { parseCertificate, type Signer, sha256 } from '@datapunk/pki'
import { TestCa } from '@datapunk/testkit'
import fc from 'fast-check'
import { encodeAudit } from './audit.ts'
import { type BundleHead, openBundle, sealBundleHead } from './bundle.ts'
import { formatDocumentNumber, MAX_GENERATION, parseDocumentNumber } from './document-number.ts'
import { encodeDraining } from './draining.ts'
import { ProtocolError, type ProtocolErrorCode } from './error.ts'
import { encodeMembers, type Member, parseMembers } from './members.ts'
import { encodePins } from './pins.ts'
import { encodeRevoked } from './revoked.ts'
import { isSignedBy, parseSealed, seal } from './sealed.ts'
import { encodeTransparency } from './transparency.ts'
import { followTrustStatements, sealTrustStatement, type TrustStatement } from './trust-statement.ts'

const now = Date.UTC(2026, 5, 1)
const meshId = '0123456789abcdef0123456789abcdef'

const lake: Member = {
  service: 'lake',
  spiffeId: 'spiffe://service.datapunk/lake',
  dnsNames: ['lake.service.datapunk'],
  ipAddresses: [],
  subjects: [{ organization: 'Datapunk', country: 'US' }],
  callers: 'members',
  address: { host: '127.0.0.1', port: 8445 },
  listen: undefined,
  minTls: '1.3',
}

let ca: TestCa
let later: TestCa
let statement: TrustStatement
let bundleSigner: Signer

before(async () => {
  ca = await TestCa.create({ seed: 'first' })
  later = await TestCa.create({ seed: 'later' })
  bundleSigner = ca.issuing.signer
  statement = {
    number: { generation: 1, counter: 1 },
    meshId,
    trustDomain: 'service.datapunk',
    issuedAt: now,
    roots: [parseCertificate(ca.root.der)],
    issuingCas: [parseCertificate(ca.issuing.der)],
    bundleKeys: [bundleSigner.spki],
    logs: [{ spki: ca.root.signer.spki, origin: 'authority.service.datapunk:7480/log/1' }],
  }
})

function refuses(code: ProtocolErrorCode, act: () => unknown): void {
  assert.throws(act, (error) => error instanceof ProtocolError && error.code === code)
}

describe('a signed document', () => {
  test('is believed only under its own type and key', async () => {
    const bytes = await seal('thing/v1', Buffer.from('payload'), [ca.root.signer])
    const document = parseSealed(bytes, 'thing/v1', 4096)
    assert.equal(Buffer.from(document.payload).toString(), 'payload')
    assert.ok(isSignedBy(document, ca.root.signer.spki))
    assert.ok(!isSignedBy(document, later.root.signer.spki))
    refuses('DOCUMENT_INVALID', () => parseSealed(bytes, 'other/v1', 4096))
    assert.ok(!isSignedBy({ ...document, type: 'other/v1' }, ca.root.signer.spki))
  })

  test('with any byte changed is refused or carries no good signature', async () => {
    const bytes = await seal('thing/v1', Buffer.from('payload'), [ca.root.signer])
    fc.assert(
      fc.property(fc.nat(bytes.byteLength - 2), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const changed = Uint8Array.from(bytes)
        changed[index]! ^= change
        try {
          const document = parseSealed(changed, 'thing/v1', 4096)
          const sameContent = Buffer.from(document.payload).toString() === 'payload'
          assert.ok(sameContent || !isSignedBy(document, ca.root.signer.spki))
        } catch (error) {
          assert.ok(error instanceof ProtocolError && error.code === 'DOCUMENT_INVALID')
        }
      }),
    )
  })

  test('larger than its budget is refused before it is parsed', () => {
    refuses('DOCUMENT_INVALID', () => parseSealed(new Uint8Array(4097), 'thing/v1', 4096))
  })

  test('of any bytes is a ProtocolError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        refuses('DOCUMENT_INVALID', () => parseSealed(bytes, 'thing/v1', 4096))
      }),
    )
  })
})

describe('trust statements', () => {
  const anchors = () => ({ anchors: statement.roots })

  /** What follows the first: with the next root beside the one before, then without that. */
  const rollingOver = (): readonly [TrustStatement, TrustStatement] => {
    const roots = [...statement.roots, parseCertificate(later.root.der)]
    return [
      { ...statement, number: { generation: 1, counter: 2 }, roots },
      { ...statement, number: { generation: 1, counter: 3 }, roots: roots.slice(1) },
    ]
  }

  test('begin at a root given by hand', async () => {
    const first = await sealTrustStatement(statement, [ca.root.signer])
    const followed = followTrustStatements([first], anchors())
    assert.equal(followed.number.counter, 1)
    assert.deepEqual(followed.roots[0]?.der, statement.roots[0]?.der)
    assert.equal(followed.issuedAt, now)
  })

  test('are not believed from another root', async () => {
    const first = await sealTrustStatement(statement, [ca.root.signer])
    const others = { anchors: [parseCertificate(later.root.der)] }
    refuses('TRUST_STATEMENT_NOT_TRUSTED', () => followTrustStatements([first], others))
    refuses('TRUST_STATEMENT_MISSING', () => followTrustStatements([], anchors()))
  })

  test('are walked one by one through a roll-over of the root', async () => {
    const [second, third] = rollingOver()
    const documents = [
      await sealTrustStatement(statement, [ca.root.signer]),
      await sealTrustStatement(second, [ca.root.signer, later.root.signer]),
      await sealTrustStatement(third, [ca.root.signer, later.root.signer]),
    ]
    assert.equal(followTrustStatements(documents, anchors()).number.counter, 3)
    const previous = followTrustStatements(documents.slice(0, 1), anchors())
    assert.equal(followTrustStatements(documents, { previous }).number.counter, 3)
  })

  test('that skip a number, or lack the old or the new root’s signature, are refused', async () => {
    const [second] = rollingOver()
    const first = await sealTrustStatement(statement, [ca.root.signer])
    for (const signers of [[ca.root.signer], [later.root.signer]]) {
      const half = await sealTrustStatement(second, signers)
      refuses('TRUST_STATEMENT_INVALID', () => followTrustStatements([first, half], anchors()))
    }
    const gap = await sealTrustStatement({ ...statement, number: { generation: 1, counter: 3 } }, [
      ca.root.signer,
    ])
    refuses('TRUST_STATEMENT_INVALID', () => followTrustStatements([first, gap], anchors()))
    const stranger = await sealTrustStatement(
      { ...statement, number: { generation: 1, counter: 2 }, meshId: 'f'.repeat(32) },
      [ca.root.signer],
    )
    refuses('TRUST_STATEMENT_INVALID', () => followTrustStatements([first, stranger], anchors()))
    const elsewhere = await sealTrustStatement(
      { ...statement, number: { generation: 1, counter: 2 }, trustDomain: 'elsewhere.datapunk' },
      [ca.root.signer],
    )
    refuses('TRUST_STATEMENT_INVALID', () => followTrustStatements([first, elsewhere], anchors()))
  })

  test('that drop a root are refused without the signature of that root', async () => {
    const [second, third] = rollingOver()
    const documents = [
      await sealTrustStatement(statement, [ca.root.signer]),
      await sealTrustStatement(second, [ca.root.signer, later.root.signer]),
      await sealTrustStatement(third, [later.root.signer]),
    ]
    refuses('TRUST_STATEMENT_INVALID', () => followTrustStatements(documents, anchors()))
    const replaced = { ...third, number: second.number }
    const usurping = [documents[0]!, await sealTrustStatement(replaced, [later.root.signer])]
    refuses('TRUST_STATEMENT_INVALID', () => followTrustStatements(usurping, anchors()))
  })

  test('of the future are not believed, but where they were before', async () => {
    const first = await sealTrustStatement(statement, [ca.root.signer])
    refuses('ISSUED_IN_THE_FUTURE', () => followTrustStatements([first], anchors(), now - 1))
    const previous = followTrustStatements([first], anchors(), now)
    assert.equal(followTrustStatements([first], { previous }, now - 1), previous)
  })
})

describe('a bundle', () => {
  const section = encodeMembers([lake])
  const digest = Buffer.from(sha256(section)).toString('hex')

  async function headOf(changes: Partial<BundleHead> = {}): Promise<BundleHead> {
    const sections = [{ kind: 'members', critical: true, digest, size: section.byteLength }]
    return {
      meshId,
      format: 1,
      number: { generation: 1, counter: 5 },
      issuedAt: now,
      expiresAt: now + 1000,
      trustStatement: { generation: 1, counter: 1 },
      sections,
      ...changes,
    }
  }

  const open = async (head: BundleHead, signer = bundleSigner, previous?: ReturnType<typeof openBundle>) => {
    const bytes = await sealBundleHead(head, signer)
    return () => openBundle(bytes, () => section, statement, { previous })
  }

  test('tells who the members are', async () => {
    const bundle = (await open(await headOf()))()
    assert.deepEqual(bundle.memberByName.get('lake.service.datapunk'), lake)
    assert.equal(bundle.memberBySpiffeId.get('spiffe://service.datapunk/lake')?.service, 'lake')
  })

  test('of another signer, another mesh, or a later trust statement is refused', async () => {
    refuses('SIGNATURE_INVALID', await open(await headOf(), ca.root.signer))
    refuses('BUNDLE_OF_ANOTHER_MESH', await open(await headOf({ meshId: 'f'.repeat(32) })))
    refuses(
      'TRUST_STATEMENT_MISSING',
      await open(await headOf({ trustStatement: { generation: 1, counter: 2 } })),
    )
  })

  test('with a lower number, or a number used twice, is refused; the same one is the same', async () => {
    const previous = (await open(await headOf()))()
    assert.equal((await open(await headOf(), bundleSigner, previous))(), previous)
    const lower = await headOf({ number: { generation: 1, counter: 4 } })
    refuses('BUNDLE_NUMBER_WENT_BACK', await open(lower, bundleSigner, previous))
    refuses('BUNDLE_FORKED', await open(await headOf({ expiresAt: now + 2000 }), bundleSigner, previous))
    const restored = await sealBundleHead(
      await headOf({ number: { generation: 2, counter: 1 } }),
      bundleSigner,
    )
    const openUnder = (generation: number) => {
      const trust = { ...statement, number: { generation, counter: 2 } }
      return openBundle(restored, () => section, trust, { previous })
    }
    assert.equal(openUnder(2).head.number.generation, 2)
    // A bundle key alone begins no generation.
    refuses('BUNDLE_INVALID', () => openUnder(1))
  })

  test('with a number that can’t be written as text is refused', async () => {
    for (const [generation, counter] of [
      [MAX_GENERATION + 1, 1],
      [1, 10 ** 15],
    ] as const) {
      const number = { generation, counter }
      assert.equal(parseDocumentNumber(formatDocumentNumber(number)), undefined)
      refuses('DOCUMENT_INVALID', await open(await headOf({ number })))
      refuses('DOCUMENT_INVALID', await open(await headOf({ trustStatement: number })))
    }
    const largest = { generation: MAX_GENERATION, counter: 10 ** 15 - 1 }
    assert.deepEqual(parseDocumentNumber(formatDocumentNumber(largest)), largest)
  })

  test('with sections other than the head names is refused', async () => {
    const bytes = await sealBundleHead(await headOf(), bundleSigner)
    const others = encodeMembers([{ ...lake, callers: [] }])
    refuses('BUNDLE_INVALID', () => openBundle(bytes, () => others, statement))
  })

  test('with an unknown section is refused when that is critical, and read without it otherwise', async () => {
    const extra = { kind: 'weather', digest: '0'.repeat(64), size: 1 }
    const { sections } = await headOf()
    refuses(
      'BUNDLE_UNKNOWN_CRITICAL_SECTION',
      await open(await headOf({ sections: [...sections, { ...extra, critical: true }] })),
    )
    const bundle = (await open(await headOf({ sections: [...sections, { ...extra, critical: false }] })))()
    assert.equal(bundle.members.size, 1)
  })

  test('with two sections of one known kind is refused, and read with two of an unknown one', async () => {
    const { sections } = await headOf()
    const empty = { critical: false, digest: '0'.repeat(64), size: 1 }
    for (const kind of ['members', 'revoked', 'draining', 'audit', 'pins', 'transparency']) {
      const twice = [...sections, { ...empty, kind }, { ...empty, kind, digest: '1'.repeat(64) }]
      refuses('DOCUMENT_INVALID', await open(await headOf({ sections: twice })))
    }
    const unknown = { ...empty, kind: 'weather' }
    const bundle = (await open(await headOf({ sections: [...sections, unknown, unknown] })))()
    assert.equal(bundle.members.size, 1)
  })

  test('tells of the audit, and is read without it where that is not there, until it is', async () => {
    const audit = encodeAudit({ size: 42, root: Buffer.alloc(32, 7) })
    const named = Buffer.from(sha256(audit)).toString('hex')
    const ref = { kind: 'audit', critical: false, digest: named, size: audit.byteLength }
    const { sections } = await headOf()
    const bytes = await sealBundleHead(await headOf({ sections: [...sections, ref] }), bundleSigner)
    const openWith = (kept: Uint8Array | undefined, previous?: ReturnType<typeof openBundle>) =>
      openBundle(bytes, (wanted) => (wanted === named ? kept : section), statement, { previous })
    const whole = openWith(audit)
    assert.equal(whole.audit?.size, 42)
    assert.equal(openWith(undefined, whole), whole)
    const without = openWith(undefined)
    assert.equal(without.audit, undefined)
    assert.equal(openWith(audit, without).audit?.size, 42)
    refuses('BUNDLE_INVALID', () => openWith(encodeAudit({ size: 43, root: Buffer.alloc(32, 7) })))
    refuses('BUNDLE_INVALID', () => openBundle(bytes, () => undefined, statement))
  })

  test('tells who is revoked, which CAs are let go of, and whether a log is asked for', async () => {
    const serial = '0123456789abcdef0123456789abcdef'
    const others = {
      revoked: encodeRevoked([serial]),
      draining: encodeDraining(['ab'.repeat(32)]),
      transparency: encodeTransparency('required'),
    }
    const byDigest = new Map([[digest, section]])
    const refs = Object.entries(others).map(([kind, bytes]) => {
      const of = Buffer.from(sha256(bytes)).toString('hex')
      byDigest.set(of, bytes)
      return { kind, critical: true, digest: of, size: bytes.byteLength }
    })
    const { sections } = await headOf()
    const head = await sealBundleHead(await headOf({ sections: [...sections, ...refs] }), bundleSigner)
    const bundle = openBundle(head, (of) => byDigest.get(of), statement)
    assert.deepEqual([bundle.revoked.has(serial), bundle.revoked.has('f'.repeat(32))], [true, false])
    assert.deepEqual([...bundle.draining], ['ab'.repeat(32)])
    assert.equal(bundle.transparency, 'required')
    assert.equal(bundle.members.size, 1)
  })

  test('in which two members have one name is refused', async () => {
    const both = encodeMembers([
      lake,
      { ...lake, service: 'pond', spiffeId: 'spiffe://service.datapunk/pond' },
    ])
    const digest = Buffer.from(sha256(both)).toString('hex')
    const sections = [{ kind: 'members', critical: true, digest, size: both.byteLength }]
    const bytes = await sealBundleHead(await headOf({ sections }), bundleSigner)
    refuses('BUNDLE_INVALID', () => openBundle(bytes, () => both, statement))
  })

  test('names the keys of members; the same ones are not read again', async () => {
    const pins = encodePins('required', new Map([['lake', ['d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM=']]]))
    const ref = (bytes: Uint8Array) => ({
      ...{ kind: 'pins', critical: false, size: bytes.byteLength },
      digest: Buffer.from(sha256(bytes)).toString('hex'),
    })
    const { sections: members } = await headOf()
    const openWith = async (
      counter: number,
      bytes?: Uint8Array,
      previous?: ReturnType<typeof openBundle>,
    ) => {
      const sections = bytes === undefined ? members : [...members, ref(bytes)]
      const head = await sealBundleHead(
        await headOf({ number: { generation: 1, counter }, sections }),
        bundleSigner,
      )
      return openBundle(head, (of) => (of === digest ? section : bytes!), statement, { previous })
    }
    assert.equal((await openWith(5)).pins, undefined)
    const first = await openWith(5, pins)
    assert.deepEqual([first.pins?.mode, [...first.pins!.of.keys()]], ['required', ['lake']])
    assert.equal((await openWith(6, pins, first)).pins, first.pins)
    assert.equal((await openWith(7, undefined, first)).pins, undefined)
    await assert.rejects(openWith(5, Buffer.from('{}')), { code: 'BUNDLE_INVALID' })
  })

  test('without members is refused', async () => {
    const sections = [{ kind: 'weather', critical: false, digest: '0'.repeat(64), size: 1 }]
    refuses('BUNDLE_INVALID', await open(await headOf({ sections })))
  })
})

describe('members', () => {
  test('in any order are the same bytes, and come back as they were', () => {
    const stream: Member = { ...lake, service: 'stream', callers: ['nexus', 'lake'], address: undefined }
    assert.deepEqual(encodeMembers([lake, stream]), encodeMembers([stream, lake]))
    assert.deepEqual(parseMembers(encodeMembers([lake]))[0], lake)
  })

  test('of any bytes are a ProtocolError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) =>
        refuses('BUNDLE_INVALID', () => parseMembers(bytes)),
      ),
    )
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), (json) =>
        refuses('BUNDLE_INVALID', () => parseMembers(Buffer.from(json))),
      ),
    )
  })
})

describe('what a later version says', () => {
  test('is read by this one: fields are passed over, and so are sections that are not critical', async () => {
    const added = { added: { by: 'a later version' } }
    const later = async (bytes: Uint8Array, signer: Signer, type: string) => {
      const { payload } = parseSealed(bytes, type, 512 * 1024)
      const more = { ...JSON.parse(Buffer.from(payload).toString()), ...added }
      return seal(type, Buffer.from(JSON.stringify(more)), [signer])
    }
    const first = await later(
      await sealTrustStatement(statement, [ca.root.signer]),
      ca.root.signer,
      'trust-statement/v1',
    )
    const trust = followTrustStatements([first], { anchors: statement.roots })
    const members = Buffer.from(
      JSON.stringify({
        members: [{ ...JSON.parse(Buffer.from(encodeMembers([lake])).toString()).members[0], ...added }],
      }),
    )
    const forecast = Buffer.from('sunny')
    const section = (kind: string, bytes: Uint8Array) => ({
      ...{ kind, critical: kind === 'members', size: bytes.byteLength },
      digest: Buffer.from(sha256(bytes)).toString('hex'),
    })
    const head: BundleHead = {
      ...{ meshId, format: 1, number: { generation: 1, counter: 5 }, issuedAt: now, expiresAt: now + 1000 },
      trustStatement: { generation: 1, counter: 1 },
      sections: [section('members', members), section('forecast', forecast)],
    }
    const bytes = await later(await sealBundleHead(head, bundleSigner), bundleSigner, 'bundle-head/v1')
    const bundle = openBundle(bytes, () => members, trust)
    assert.deepEqual([...bundle.members.keys()], ['lake'])
    assert.equal(bundle.sections.size, 1)
  })
})
