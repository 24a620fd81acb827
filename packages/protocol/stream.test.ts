import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { TestCa, type TestIdentity } from '@datapunk/testkit'
import fc from 'fast-check'
import { encodeAudit } from './audit.ts'
import { ProtocolError, type ProtocolErrorCode } from './error.ts'
import {
  type Acknowledgement,
  type Hello,
  openAcknowledgement,
  openHello,
  sealAcknowledgement,
  sealHello,
} from './peer-statement.ts'
import { encodeRevoked } from './revoked.ts'
import { applySectionDifference, sectionDifference } from './section-difference.ts'
import {
  type AuthorityMessage,
  encodeMessage,
  MAX_REFUSED_LAST,
  MessageReader,
  type PeerMessage,
} from './stream.ts'

function refuses(code: ProtocolErrorCode, act: () => unknown): void {
  assert.throws(act, (error) => error instanceof ProtocolError && error.code === code)
}

describe('a stream', () => {
  const bytes = Buffer.from('document')
  const said: PeerMessage[] = [
    { type: 'hello', document: bytes, head: bytes },
    { type: 'acknowledgement', document: bytes },
    {
      type: 'report',
      report: {
        ...{
          serial: 'ab',
          version: '1',
          open: 3,
          refused: { NO_CERTIFICATE: 2 },
          refusedLast: [
            { rule: 'NO_CERTIFICATE', at: 1, remote: '[::1]:50000' },
            { rule: 'REVOKED', at: 2, serial: 'ef' },
          ],
          reported: { NOT_PINNED: 1 },
        },
        ...{ connections: [{ serial: 'cd', count: 3 }], bundle: { generation: 1, counter: 2 } },
      },
    },
    { type: 'refusal', rule: 'BUNDLE_FORKED', message: 'found two' },
    { type: 'leave' },
  ]

  test('gives what was said, however its bytes are cut', () => {
    const whole = Buffer.from(said.map(encodeMessage).join(''))
    fc.assert(
      fc.property(fc.array(fc.nat(whole.byteLength), { maxLength: 20 }), (cuts) => {
        const reader = MessageReader.ofPeer()
        const ends = [...cuts, whole.byteLength].sort((a, b) => a - b)
        const heard: PeerMessage[] = []
        for (const [index, end] of ends.entries())
          heard.push(...reader.read(whole.subarray(ends[index - 1] ?? 0, end)))
        assert.deepEqual(heard, said)
      }),
    )
  })

  test('passes over what a later version says, and what it adds', () => {
    const reader = MessageReader.ofAuthority()
    const line = { type: 'head', document: bytes.toString('base64'), added: { by: 'a later version' } }
    const lines = `${JSON.stringify({ type: 'forecast', rain: true })}\n${JSON.stringify(line)}\n`
    const heard = [...reader.read(Buffer.from(lines))] as AuthorityMessage[]
    assert.deepEqual(
      heard.map(({ type }) => type),
      ['head'],
    )
  })

  test('reads the report of a peer that does not tell whom it has refused, and none of one that tells too much', () => {
    const [, , report] = said
    assert.equal(report?.type, 'report')
    const reported = (refusedLast: unknown) => {
      const line = JSON.stringify({ ...report, report: { ...report?.report, refusedLast } })
      const [heard] = [...MessageReader.ofPeer().read(Buffer.from(`${line}\n`))]
      return heard?.type === 'report' && heard.report.refusedLast
    }
    assert.equal(reported(undefined), undefined)
    const caller = { rule: 'REVOKED', at: 1 }
    assert.equal((reported(Array(MAX_REFUSED_LAST).fill(caller)) as unknown[]).length, MAX_REFUSED_LAST)
    for (const broken of [
      Array(MAX_REFUSED_LAST + 1).fill(caller),
      [{ ...caller, serial: 'not hex' }],
      [{ ...caller, remote: 'x'.repeat(65) }],
    ])
      refuses('MESSAGE_INVALID', () => reported(broken))
  })

  test('of any bytes is a ProtocolError or messages, and never grows without end', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (chunks) => {
        const reader = MessageReader.ofPeer()
        try {
          for (const chunk of chunks) for (const _ of reader.read(chunk));
        } catch (error) {
          assert.ok(error instanceof ProtocolError && error.code === 'MESSAGE_INVALID')
        }
      }),
    )
    const reader = MessageReader.ofPeer()
    refuses('MESSAGE_INVALID', () => {
      for (let sent = 0; sent < 10_000; sent++) for (const _ of reader.read(Buffer.alloc(1000, 'x')));
    })
    for (const line of [
      '[]',
      'null',
      '{}',
      '{"type":7}',
      '{"type":"hello"}',
      '{"type":"report","report":{}}',
    ])
      refuses('MESSAGE_INVALID', () => [...MessageReader.ofPeer().read(Buffer.from(`${line}\n`))])
  })
})

describe('the difference of a section', () => {
  const lines = fc.array(fc.stringMatching(/^[a-zé]{0,5}$/), { maxLength: 30 })
  const text = (of: readonly string[]) => Buffer.from(of.map((line) => `${line}\n`).join(''))

  test('makes the one from the other', () => {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const [base, next] = [text(before), text(after)]
        const difference = sectionDifference('members', base, next)
        if (difference === undefined) return
        assert.ok(difference.byteLength < next.byteLength)
        assert.deepEqual(applySectionDifference(base, difference, next.byteLength), next)
      }),
    )
  })

  test('is short where little has changed', () => {
    const before = Array.from({ length: 10_000 }, (_, index) => `service ${index}`)
    const difference = sectionDifference('members', text(before), text(before.with(5_000, 'another')))
    assert.ok(difference !== undefined && difference.byteLength < 200)
  })

  test('of more pieces than are read is none', () => {
    const before = Array.from({ length: 100_001 }, (_, index) => `the service with the number ${index}`)
    const next = text(before.toReversed())
    assert.equal(sectionDifference('members', text(before), next), undefined)
    assert.ok(sectionDifference('members', text(before.slice(1)), text(before.slice(1).toReversed())))
  })

  test('of the audit goes along though it is no shorter', () => {
    const [base, next] = [1, 2].map((size) => encodeAudit({ size, root: Buffer.alloc(32, size) })) as [
      Uint8Array,
      Uint8Array,
    ]
    const difference = sectionDifference('audit', base, next)!
    assert.ok(difference.byteLength > next.byteLength)
    assert.deepEqual(applySectionDifference(base, difference, next.byteLength), Buffer.from(next))
  })

  test('of revoked serials takes over what both have', () => {
    const serial = (n: number) => n.toString(16).padStart(16, '0').padEnd(32, '0')
    const shared = Array.from({ length: 200 }, (_, n) => serial(n * 10))
    const some = fc.array(fc.integer({ min: 0, max: 2000 }).map(serial), { maxLength: 20 })
    let differences = 0
    fc.assert(
      fc.property(some, some, (before, after) => {
        const [base, next] = [encodeRevoked([...shared, ...before]), encodeRevoked([...shared, ...after])]
        const difference = sectionDifference('revoked', base, next)
        if (difference === undefined) return
        differences++
        assert.deepEqual(applySectionDifference(base, difference, next.byteLength), next)
      }),
    )
    assert.ok(differences > 50, `${differences} of 100`)
    const many = Array.from({ length: 10_000 }, (_, n) => serial(n * 7919))
    const [base, next] = [encodeRevoked(many), encodeRevoked([...many.slice(1), 'f'.repeat(32)])]
    const difference = sectionDifference('revoked', base, next)!
    assert.ok(difference.byteLength < 100, `${difference.byteLength} bytes`)
    assert.deepEqual(applySectionDifference(base, difference, next.byteLength), next)
  })

  test('of any bytes makes the size that was signed, or is refused', () => {
    const base = Buffer.from('a\nb\n')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        refuses('BUNDLE_INVALID', () => applySectionDifference(base, bytes, 10))
      }),
    )
    const edits = [
      [[0, 5]],
      [[3, 2]],
      ['x'.repeat(11)],
      [[0, 2]],
      [
        [0, 4],
        [0, 4],
        [0, 4],
      ],
      [[-1, 2]],
      [[0, 0]],
      [1],
    ]
    for (const edit of edits)
      refuses('BUNDLE_INVALID', () =>
        applySectionDifference(base, Buffer.from(JSON.stringify({ edits: edit })), 10),
      )
  })
})

describe('what a peer signs', () => {
  let leaf: TestIdentity
  let other: TestIdentity
  const common = { meshId: '0'.repeat(32), peer: '1'.repeat(32), serial: 'ab' }
  const hello: Hello = {
    ...{ ...common, nonce: '2'.repeat(64), version: '1', formats: [1] },
    ...{ trustStatement: { generation: 1, counter: 1 }, bundle: { generation: 1, counter: 2 } },
  }
  const acknowledgement: Acknowledgement = {
    ...{ ...common, bundleKey: '3'.repeat(64), digest: '4'.repeat(64) },
    ...{ number: { generation: 1, counter: 2 }, trustStatement: { generation: 1, counter: 1 } },
    checkpoints: [{ log: '5'.repeat(64), size: 3, root: Buffer.alloc(32, 1).toString('base64') }],
  }

  before(async () => {
    const ca = await TestCa.create()
    leaf = await ca.leaf('lake')
    other = await ca.leaf('stream')
  })

  const keyOf = (serial: string) => (serial === 'ab' ? leaf.signer.spki : undefined)

  test('is heard as it was said', async () => {
    assert.deepEqual(openHello(await sealHello(hello, leaf.signer), keyOf), hello)
    const bytes = await sealAcknowledgement(acknowledgement, leaf.signer)
    assert.deepEqual(openAcknowledgement(bytes, keyOf), acknowledgement)
  })

  test('by another key or of an unknown certificate is refused, and neither is taken for the other', async () => {
    const forged = await sealHello(hello, other.signer)
    refuses('SIGNATURE_INVALID', () => openHello(forged, keyOf))
    const unknown = await sealHello({ ...hello, serial: 'cd' }, leaf.signer)
    refuses('SIGNATURE_INVALID', () => openHello(unknown, keyOf))
    const bytes = await sealAcknowledgement(acknowledgement, leaf.signer)
    refuses('DOCUMENT_INVALID', () => openHello(bytes, keyOf))
  })
})
