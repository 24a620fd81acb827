import type { TbsCertificate } from '../certificate.ts'
import { type CrlScope, encodeScope } from '../extensions/issuing-distribution-point.ts'
import { sha256 } from '../keys/public-key.ts'
import { verifySignature } from '../keys/signature.ts'
import { equalOctets, hexText } from '../octets.ts'
import { PkiError } from '../pki-error.ts'
import {
  type CheckedCrl,
  type CheckedDelta,
  checkedCrl,
  checkedDelta,
  checkFresh,
  type Delta,
  timeText,
} from './checked-crl.ts'
import type { Crl } from './crl.ts'

/** What is remembered of a list, so that no older one and no other one of its number takes its place. */
export interface CrlMark {
  readonly number: bigint
  /** SHA-256 of the whole list. */
  readonly hash: Uint8Array
}

/** What a list must be. */
export interface CrlExpectation {
  /** The certificate of the CA, which the caller has verified. */
  readonly issuer: TbsCertificate
  /** Milliseconds since the epoch. */
  readonly at: number
  /** What the certificate in question names as its distribution point; left out, a list about all of them is asked for. */
  readonly scope?: CrlScope | undefined
  /** Of the last list of this issuer, scope and kind that was accepted; left out the first time. */
  readonly seen?: CrlMark | undefined
}

/**
 * Holds a full list against what was asked for (RFC 5280 §6.3.3).
 *
 * @returns what answers for this issuer's certificates of this scope
 * @throws PkiError `CRL_ISSUER_MISMATCH`, `AUTHORITY_KEY_MISMATCH`, `KEY_USAGE_NOT_ALLOWED`, `SIGNATURE_INVALID`,
 *   `SIGNATURE_ALGORITHM_UNSUPPORTED`, `CRL_SCOPE_MISMATCH`, `CRL_NOT_YET_VALID`, `CRL_STALE`, `CRL_NUMBER_LOWER`,
 *   `CRL_NUMBER_REUSED`; `CRL_KIND_MISMATCH` for a delta
 */
export function checkCrl(crl: Crl, expected: CrlExpectation): CheckedCrl {
  if (isDelta(crl)) throw wrongKind('a delta was found where a full list is needed', crl)
  checkList(crl, expected)
  return checkedCrl([crl], expected.issuer.spki)
}

/**
 * The same for a delta, which answers for nothing until it is combined.
 *
 * @throws PkiError as `checkCrl`; `CRL_KIND_MISMATCH` for a full list
 */
export function checkDelta(crl: Crl, expected: CrlExpectation): CheckedDelta {
  if (!isDelta(crl)) throw wrongKind('a full list was found where a delta is needed', crl)
  checkList(crl, expected)
  return checkedDelta(crl, expected.issuer.spki)
}

export function crlMark({ number, der }: Crl): CrlMark {
  return { number, hash: sha256(der) }
}

function checkList(crl: Crl, { issuer, at, scope, seen }: CrlExpectation): void {
  checkIssuer(crl, issuer)
  checkSignature(crl, issuer)
  checkScope(crl, scope)
  checkBegun(crl, at)
  checkFresh(crl, at)
  if (seen !== undefined) checkAdvance(crl, seen)
}

/** §6.3.3 (b), (f): the same name, the same key, and a certificate that may sign lists, where it says what it may. */
function checkIssuer(crl: Crl, { subject, extensions }: TbsCertificate): void {
  if (!crl.issuer.equals(subject)) {
    throw new PkiError(
      'CRL_ISSUER_MISMATCH',
      `the revocation list is from ${crl.issuer}, and one from ${subject} is needed`,
      { found: crl.issuer.toString(), allowed: subject.toString() },
    )
  }
  const key = extensions.subjectKeyIdentifier?.keyIdentifier
  if (key === undefined || !equalOctets(key, crl.authorityKeyIdentifier)) {
    throw new PkiError(
      'AUTHORITY_KEY_MISMATCH',
      `the revocation list is for the key ${hexText(crl.authorityKeyIdentifier)} of its issuer, whose certificate has ` +
        (key === undefined ? 'no key identifier' : hexText(key)),
      { found: hexText(crl.authorityKeyIdentifier), allowed: key && hexText(key) },
    )
  }
  if (extensions.keyUsage?.usages.has('cRLSign') === false) {
    throw new PkiError(
      'KEY_USAGE_NOT_ALLOWED',
      `the key usage of ${subject} does not have cRLSign, which signing revocation lists needs`,
      { found: [...extensions.keyUsage.usages], allowed: ['cRLSign'] },
    )
  }
}

function checkSignature({ tbs, signature, signatureAlgorithm, issuer }: Crl, { spki }: TbsCertificate): void {
  if (verifySignature({ spki, message: tbs, signature, algorithm: signatureAlgorithm })) return
  throw new PkiError('SIGNATURE_INVALID', `the revocation list is not signed by the key of ${issuer}`)
}

/** §6.3.3 (b) (2): octet for octet, or both without. */
function checkScope({ scope, number }: Crl, expected: CrlScope | undefined): void {
  const found = scope?.der ?? none
  if (equalOctets(found, expected === undefined ? none : encodeScope(expected))) return
  const described = scope && [...scope.uris, scope.onlyContains].filter(Boolean).join(', ')
  throw new PkiError(
    'CRL_SCOPE_MISMATCH',
    `the revocation list ${number} is about ${described ?? 'every certificate'}; asked for was ` +
      (expected ? [expected.uri, expected.onlyContains].filter(Boolean).join(', ') : 'every certificate'),
    { found: scope && hexText(scope.der), allowed: expected },
  )
}

function checkBegun({ thisUpdate, number }: Crl, at: number): void {
  if (at >= thisUpdate) return
  throw new PkiError(
    'CRL_NOT_YET_VALID',
    `the revocation list ${number} is of ${timeText(thisUpdate)}, and it is ${timeText(at)}; look at both clocks`,
    { number: number.toString(), thisUpdate, at },
  )
}

/** §5.2.3: a higher number is a later list; the same number is the same list. */
function checkAdvance(crl: Crl, seen: CrlMark): void {
  if (crl.number > seen.number) return
  const numbers = { found: crl.number.toString(), allowed: seen.number.toString() }
  if (crl.number < seen.number) {
    throw new PkiError(
      'CRL_NUMBER_LOWER',
      `the revocation list ${crl.number} was found after the later ${seen.number}, below which none is accepted`,
      numbers,
    )
  }
  if (equalOctets(crlMark(crl).hash, seen.hash)) return
  throw new PkiError(
    'CRL_NUMBER_REUSED',
    `a second revocation list of the number ${crl.number} was found; of each number there is one`,
    numbers,
  )
}

function isDelta(crl: Crl): crl is Delta {
  return crl.base !== undefined
}

const none = new Uint8Array(0)

function wrongKind(message: string, { number, base }: Crl): PkiError {
  return new PkiError('CRL_KIND_MISMATCH', message, { number: number.toString(), base: base?.toString() })
}
