import type { Certificate } from '../certificate.ts'
import { verifySignature } from '../keys/signature.ts'
import { equalOctets, hexText } from '../octets.ts'
import { PkiError } from '../pki-error.ts'
import { isAboutIssuer } from './cert-id.ts'
import type { CertStatus } from './cert-status.ts'
import { findResponder } from './find-responder.ts'
import type { OcspAnswer, ReadOcspAnswer } from './ocsp-answer.ts'
import type { BasicOcspResponse, OcspResponse } from './ocsp-response.ts'

export interface OcspCheck {
  readonly response: OcspResponse
  /** The certificate that was asked about. */
  readonly leaf: Certificate
  /** The CA that issued it, from a path that was verified. */
  readonly issuer: Certificate
  /** Milliseconds since the epoch. */
  readonly at: number
  /** What was sent with the request: a response without it is refused (RFC 9654 §2.1, RFC 6960 §4.4.1). */
  readonly nonce?: Uint8Array | undefined
  /** How much the clocks here and of the responder may differ, in milliseconds. */
  readonly clockSkew: number
}

/** Known to this file only, so that no other code can construct a checked response. */
const maker = Symbol('checkOcspResponse')

/** What an authorised responder says about one certificate. Only `checkOcspResponse` makes one. */
export class CheckedOcsp {
  readonly status: CertStatus
  /** Milliseconds since the epoch, as all times here. */
  readonly thisUpdate: number
  /** Through this moment it is to be believed. */
  readonly nextUpdate: number
  readonly producedAt: number
  /** The issuer itself, or its delegate. */
  readonly responder: Certificate

  constructor(by: symbol, { status, thisUpdate, nextUpdate }: OcspAnswer, signed: Signed) {
    if (by !== maker) throw new TypeError('only checkOcspResponse makes checked responses')
    this.status = status
    this.thisUpdate = thisUpdate
    this.nextUpdate = nextUpdate
    this.producedAt = signed.producedAt
    this.responder = signed.responder
  }
}

interface Signed {
  readonly producedAt: number
  readonly responder: Certificate
}

/**
 * Whether a response is to be believed (RFC 6960 §3.2, RFC 9919 §5). That it is says nothing about whether the certificate is
 * good: that is `status`.
 *
 * @throws PkiError `OCSP_UNSUCCESSFUL`, `OCSP_CERTIFICATE_MISMATCH`, `SIGNATURE_INVALID`, `OCSP_NOT_YET_VALID`,
 *   `OCSP_STALE`, `OCSP_NONCE_MISMATCH`, and what `findResponder` throws
 */
export function checkOcspResponse(check: OcspCheck): CheckedOcsp {
  const { response, issuer, at, clockSkew } = check
  // NaN is neither before nor after anything, and would make every time right.
  if (!Number.isFinite(at) || !(clockSkew >= 0)) {
    throw new TypeError(`at is ${at} and clockSkew ${clockSkew}; both are needed, in milliseconds`)
  }

  // 1 It is an answer, and no error.
  if (response.status !== 'successful') {
    const data = { found: response.status, allowed: 'successful' }
    throw new PkiError('OCSP_UNSUCCESSFUL', `the OCSP responder answered ${response.status}`, data)
  }

  // 2 About this certificate.
  const answer = answerAbout(response, check)

  // 3 By somebody whom the issuer lets answer, and signed by that one.
  const responder = findResponder(response, issuer, at)
  checkSignature(response, responder)

  // 4 Of now.
  const nextUpdate = checkTimes(answer, check)

  // 5 To this very question.
  checkNonce(response, check)
  return new CheckedOcsp(maker, { ...answer, nextUpdate }, { producedAt: response.producedAt, responder })
}

/** Where a response has several answers about it, in SHA-1 and in SHA-256, the worst counts. */
function answerAbout({ answers }: BasicOcspResponse, { leaf, issuer }: OcspCheck): ReadOcspAnswer {
  const about = leaf.issuer.equals(issuer.subject)
    ? answers.filter(({ certId }) => certId.serial === leaf.serial && isAboutIssuer(certId, issuer))
    : []
  const [worst] = about.toSorted((one, other) => badness[other.status.kind] - badness[one.status.kind])
  if (worst !== undefined) return worst
  throw new PkiError(
    'OCSP_CERTIFICATE_MISMATCH',
    `the OCSP response is not about the certificate of ${leaf.issuer} with serial ${leaf.serial}`,
    { found: answers.map(({ certId }) => certId.serial), allowed: leaf.serial },
  )
}

const badness: Readonly<Record<CertStatus['kind'], number>> = { good: 0, unknown: 1, revoked: 2 }

function checkSignature(response: BasicOcspResponse, { spki, subject }: Certificate): void {
  const { tbs, signature, signatureAlgorithm } = response
  if (verifySignature({ spki, message: tbs, signature, algorithm: signatureAlgorithm })) return
  throw new PkiError('SIGNATURE_INVALID', `the OCSP response is not signed by the key of ${subject}`, {
    found: hexText(signature),
    allowed: hexText(spki),
  })
}

/** @returns the next update, which is there (RFC 9919 §3.2.4) */
function checkTimes({ thisUpdate, nextUpdate }: ReadOcspAnswer, { at, clockSkew }: OcspCheck): number {
  if (thisUpdate > at + clockSkew) {
    throw new PkiError(
      'OCSP_NOT_YET_VALID',
      `the OCSP response is of ${utc(thisUpdate)}, and it is ${utc(at)}; if that is wrong, set the clock`,
      { found: thisUpdate, allowed: at + clockSkew },
    )
  }
  if (nextUpdate !== undefined && nextUpdate >= at - clockSkew) return nextUpdate
  const end = nextUpdate === undefined ? 'says no next update' : `was to be renewed ${utc(nextUpdate)}`
  throw new PkiError('OCSP_STALE', `the OCSP response ${end}, and it is ${utc(at)}`, {
    found: nextUpdate,
    allowed: at - clockSkew,
  })
}

function checkNonce({ nonce: found }: BasicOcspResponse, { nonce: sent }: OcspCheck): void {
  if (sent === undefined || (found !== undefined && equalOctets(found, sent))) return
  throw new PkiError(
    'OCSP_NONCE_MISMATCH',
    `the OCSP response has ${found ? 'another nonce than' : 'no nonce, unlike'} the request; is it from a cache?`,
    { found: found && hexText(found), allowed: hexText(sent) },
  )
}

function utc(time: number): string {
  return new Date(time).toISOString()
}
