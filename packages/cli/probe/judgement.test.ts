import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Seen } from './attempt.ts'
import { judge, type Question } from './judgement.ts'
import { liveCases } from './live-cases.ts'

const caseOf = (id: string) => {
  const found = liveCases.find((one) => one.id === id)
  assert.ok(found, id)
  return found
}

/** A handshake that looks good from here, and then the end. */
const closed: Seen = {
  localPort: 50_000,
  protocol: 'TLSv1.3',
  resumed: false,
  shown: undefined,
  alert: undefined,
  error: undefined,
  received: '',
  end: 'closed',
  sessions: [],
}
const alerted = (alert: string): Seen => ({
  ...closed,
  protocol: undefined,
  alert,
  error: `ERR_SSL_ALERT_${alert}`,
})
const answered = (received: string): Seen => ({ ...closed, received, end: 'answered' })
const http = (status: number, body = '') => answered(`HTTP/1.1 ${status} x\r\n\r\n${body}`)
const problem = (code: string, status = 403) =>
  answered(
    `HTTP/1.1 ${status} x\r\ncontent-type: application/problem+json\r\n\r\n${JSON.stringify({ code })}`,
  )
const fatal = (state: string, message: string) => answered(`E\0\0\0ESFATAL\0C${state}\0M${message}\0\0`)
const told = (rule: string) => ({ rule, at: 1 })

interface Facts extends Partial<Omit<Question, 'case' | 'tries'>> {
  readonly seen?: Seen
  readonly told?: { rule: string; at: number }
}

function judged(id: string, { seen = closed, told, ...facts }: Facts = {}) {
  const place = { host: 'lake.host', port: 8443, serverName: 'lake', speaks: 'any' } as const
  const question: Question = {
    ...{ service: 'lake', case: caseOf(id), place, source: 'reports', isOpen: false, control: undefined },
    ...{ stranger: undefined, isLate: false, file: undefined, tries: [{ way: 'TLS 1.2', seen, told }] },
    ...facts,
  }
  return judge(question)
}

describe('a try at a service that reports', () => {
  for (const [id, rule] of [
    ['no-certificate', 'NO_CERTIFICATE'],
    ['expired', 'CERTIFICATE_EXPIRED'],
    ['not-yet-valid', 'CERTIFICATE_NOT_YET_VALID'],
    ['other-ca', 'ISSUER_UNKNOWN'],
    ['self-signed', 'ISSUER_UNKNOWN'],
    ['other-mesh', 'SIGNATURE_INVALID'],
    ['revoked', 'REVOKED'],
    ['not-allowed', 'CALLER_NOT_ALLOWED'],
  ] as const) {
    test(`is refused where it says so of this connection: ${id}`, () => {
      const cell = judged(id, { told: told(rule) })
      assert.deepEqual([cell.verdict, cell.rule, cell.evidence], ['refused', rule, `reported ${rule}`])
      assert.equal(cell.fix, undefined)
    })

    test(`is unproven where it says another rule: ${id}`, () => {
      const cell = judged(id, { told: told('NOT_PINNED') })
      assert.deepEqual([cell.verdict, cell.rule], ['unproven', 'NOT_PINNED'])
      assert.match(cell.evidence, /refused for NOT_PINNED, by its own word; expected: /)
    })

    test(`is unproven where it only hangs up: ${id}`, () => {
      const cell = judged(id, { file: '/pair/cert.pem' })
      assert.equal(cell.verdict, 'unproven')
      assert.match(cell.evidence, /hung up without a word, and its report does not tell of it/)
      assert.match(cell.fix ?? '', /mtls why probe lake --certificate \/pair\/cert\.pem/)
    })

    test(`is let in where a byte comes back, whatever is said: ${id}`, () => {
      for (const seen of [http(200), http(500), http(400), answered('+OK')])
        assert.equal(judged(id, { seen, told: told(rule) }).verdict, 'let-in')
    })
  }

  test('is refused by the gate’s own answer, and for nothing else by it', () => {
    const cell = judged('not-allowed', { seen: problem('CALLER_NOT_ALLOWED') })
    assert.deepEqual([cell.verdict, cell.rule], ['refused', 'CALLER_NOT_ALLOWED'])
    assert.equal(judged('expired', { seen: problem('CALLER_NOT_ALLOWED') }).verdict, 'unproven')
    assert.equal(judged('not-allowed', { seen: http(403) }).verdict, 'let-in')
  })

  test('is let in where it hears of what somebody behind it was refused for', () => {
    for (const status of [200, 500, 502]) {
      const seen = problem('CALLER_NOT_ALLOWED', status)
      for (const id of ['not-allowed', 'revoked'])
        assert.equal(judged(id, { seen }).verdict, 'let-in', `${id} ${status}`)
    }
  })

  test('is unproven where it says another rule than the alert', () => {
    const cell = judged('expired', { seen: alerted('certificate_expired'), told: told('NOT_PINNED') })
    assert.deepEqual([cell.verdict, cell.rule], ['unproven', 'NOT_PINNED'])
  })

  test('is unproven while nothing happens, and where this end fails', () => {
    const silent = { ...closed, end: 'silent' } as const
    assert.match(judged('expired', { seen: silent }).evidence, /neither answered nor hung up/)
    const failed = { ...closed, protocol: undefined, error: 'ERR_SSL_NO_PROTOCOLS_AVAILABLE' }
    for (const id of ['expired', 'old-tls']) {
      const cell = judged(id, { seen: failed })
      assert.equal(cell.verdict, 'unproven')
      assert.match(cell.evidence, /failed here \(ERR_SSL_NO_PROTOCOLS_AVAILABLE\)/)
    }
  })

  test('says where it may only be late', () => {
    const late = { isLate: true, seen: http(200) }
    assert.match(
      judged('revoked', late).evidence,
      /^HTTP 200; and it has not acknowledged the newest bundle yet$/,
    )
    assert.doesNotMatch(judged('revoked', { isLate: true, told: told('REVOKED') }).evidence, /acknowledged/)
  })

  test('is unreachable where nobody answers', () => {
    const cell = judged('revoked', { seen: { ...closed, localPort: undefined, error: 'ECONNREFUSED' } })
    assert.equal(cell.verdict, 'unreachable')
    assert.equal(cell.evidence, 'nobody answers at lake.host:8443 (ECONNREFUSED)')
    assert.match(cell.fix ?? '', /mtls doctor/)
  })

  test('is unproven where somebody else answers, also where he lets it in', () => {
    const cell = judged('revoked', { seen: http(200), stranger: 'there answers stream' })
    assert.deepEqual([cell.verdict, cell.evidence], ['unproven', 'there answers stream'])
  })
})

describe('a handshake that must fail', () => {
  test('is refused by the alert that says why, or by a report of it', () => {
    assert.equal(judged('old-tls', { seen: alerted('protocol_version') }).verdict, 'refused')
    assert.equal(judged('weak-suites', { seen: alerted('handshake_failure') }).verdict, 'refused')
    const reset = { ...closed, protocol: undefined, error: 'ECONNRESET' }
    assert.equal(judged('old-tls', { seen: reset }).verdict, 'unproven')
    assert.equal(judged('old-tls', { seen: reset, told: told('TLS_HANDSHAKE_FAILED') }).verdict, 'refused')
    assert.equal(judged('old-tls', { seen: alerted('internal_error') }).verdict, 'unproven')
  })

  test('is let in where it succeeds, whatever comes after it', () => {
    const cell = judged('old-tls', { seen: { ...problem('CALLER_NOT_ALLOWED'), protocol: 'TLSv1.2' } })
    assert.deepEqual([cell.verdict, cell.evidence], ['let-in', 'TLS 1.2: it agreed to TLSv1.2'])
  })

  test('has to fail in every way', () => {
    const good = { way: 'TLS 1.1', seen: alerted('protocol_version'), told: undefined }
    const bad = { way: 'TLS 1.2', seen: { ...closed, protocol: 'TLSv1.2' }, told: undefined }
    for (const tries of [
      [good, bad],
      [bad, good],
    ]) {
      const cell = judged('old-tls', { tries } as object)
      assert.deepEqual([cell.verdict, cell.evidence], ['let-in', 'TLS 1.2: it agreed to TLSv1.2'])
    }
  })
})

describe('a try at a service that reads files', () => {
  const files = { source: 'files', control: http(200) } as const

  for (const [id, alert] of [
    ['no-certificate', 'certificate_required'],
    ['expired', 'certificate_expired'],
    ['other-ca', 'unknown_ca'],
    ['revoked', 'certificate_revoked'],
  ] as const) {
    test(`is refused by the alert that says why: ${id}`, () => {
      const cell = judged(id, { ...files, control: undefined, seen: alerted(alert) })
      assert.deepEqual([cell.verdict, cell.evidence], ['refused', `TLS alert ${alert}`])
    })
  }

  test('is refused where the good certificate gets something else', () => {
    const cell = judged('expired', { ...files, seen: http(400, 'The SSL certificate error') })
    assert.deepEqual(
      [cell.verdict, cell.rule, cell.evidence],
      ['refused', 'CERTIFICATE_EXPIRED', 'HTTP 400, where a good certificate gets HTTP 200'],
    )
    assert.equal(judged('not-yet-valid', { ...files, seen: alerted('bad_certificate') }).verdict, 'refused')
    assert.equal(judged('revoked', { ...files, seen: closed }).verdict, 'refused')
  })

  test('is unproven where the good one gets the same, or nothing', () => {
    for (const status of [400, 403]) {
      const same = { ...files, control: http(status), seen: http(status) }
      assert.equal(judged('expired', same).verdict, 'unproven')
    }
    for (const control of [undefined, closed, alerted('internal_error')])
      assert.equal(
        judged('expired', { ...files, control, seen: alerted('bad_certificate') }).verdict,
        'unproven',
      )
  })

  test('is unproven where nothing is heard, however the good one fares', () => {
    const silent = { ...closed, end: 'silent' } as const
    assert.equal(judged('expired', { ...files, seen: silent }).verdict, 'unproven')
  })

  test('is unproven where it was another rule, by its own word', () => {
    const cell = judged('expired', { ...files, seen: http(400), told: told('NOT_PINNED') })
    assert.deepEqual([cell.verdict, cell.rule], ['unproven', 'NOT_PINNED'])
  })

  test('is let in where it is answered', () => {
    const cell = judged('revoked', { ...files, seen: http(200) })
    assert.equal(cell.verdict, 'let-in')
    assert.match(cell.fix ?? '', /mtls proxy lake/)
  })

  test('of PostgreSQL is refused by what it says, which differs from what the good one is told', () => {
    const control = fatal('28000', 'role "probe" does not exist')
    const seen = fatal('28000', 'connection requires a valid client certificate')
    assert.equal(judged('no-certificate', { source: 'files', control, seen }).verdict, 'refused')
    assert.equal(judged('not-allowed', { source: 'files', control, seen: control }).verdict, 'refused')
    const asksForPassword = answered('R\0\0\0\x08\0\0\0\x03')
    assert.equal(
      judged('no-certificate', { source: 'files', control, seen: asksForPassword }).verdict,
      'let-in',
    )
  })

  test('is not asked whom it lets in by name where it knows no names and all may call', () => {
    const open = { ...files, isOpen: true, seen: http(200) }
    assert.equal(judged('not-allowed', open).verdict, 'not-asked')
    assert.equal(judged('expired', open).verdict, 'let-in')
    assert.equal(judged('not-allowed', { ...files, seen: http(200) }).verdict, 'let-in')
    for (const status of [401, 403])
      assert.equal(judged('not-allowed', { ...files, seen: http(status) }).verdict, 'refused')
    for (const seen of [http(400), closed])
      assert.equal(judged('not-allowed', { ...files, seen }).verdict, 'unproven')
  })
})

test('nobody who reports, and whose library does not tell, is proven by a mere difference', () => {
  for (const source of ['old', 'unheard'] as const) {
    const cell = judged('revoked', { source, control: problem('CALLER_NOT_ALLOWED'), seen: closed })
    assert.equal(cell.verdict, 'unproven')
  }
})

test('a stranger’s words can’t move a terminal', () => {
  const { evidence } = judged('revoked', { seen: answered(`\u001b[2J\u202e${'x'.repeat(500)}\r\n2`) })
  assert.match(evidence, /^the answer "[\x20-\x7e]{1,60}"$/)
})
