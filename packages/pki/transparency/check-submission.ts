import { type Certificate, parseCertificate } from '../certificate.ts'
import { sha256 } from '../keys/public-key.ts'
import { equalOctets } from '../octets.ts'
import { oids } from '../oids.ts'
import { checkExpiry, checkFitness } from '../path/check-certificate.ts'
import { isSignedBy } from '../path/signed-by.ts'
import { PkiError, type PkiErrorCode, type PkiErrorData } from '../pki-error.ts'
import { issuerIn } from './kept-issuers.ts'
import { type LogEntry, precertEntry, x509Entry } from './log-entry.ts'
import { withoutPoison } from './tbs-extensions.ts'
import { transparencyBudget } from './transparency-budget.ts'

export interface SubmissionCheck {
  /** Whose certificates the log takes. */
  readonly roots: readonly Certificate[]
  /** A `pre-chain` begins with a precertificate, a `chain` with a final certificate (RFC 6962 §4.1, §4.2). */
  readonly kind: 'chain' | 'pre-chain'
  /** Milliseconds since the epoch; left out by a log that takes expired certificates too. */
  readonly now?: number
}

/** What a log is to hold. */
export interface Submission {
  readonly entry: LogEntry
  /** What was submitted. */
  readonly certificate: Certificate
  /** DER of what was submitted, where it is a precertificate, as a `TileLeaf` has it. */
  readonly precertificate: Uint8Array | undefined
  /** DER of every certificate above it, its issuer first, the root last, whether it was submitted or not. */
  readonly chain: readonly Uint8Array[]
}

/**
 * Whether a chain is one that the log takes: each certificate issued and signed by the next one, the last one by a root of
 * the log's (RFC 6962 §3.1). What the certificate says is not judged: a wrong one must be logged to be seen.
 *
 * @param chain DER, in order; the root may be left out
 * @throws PkiError `SUBMISSION_TOO_LONG`, `SUBMISSION_TOO_LARGE`, `SUBMISSION_NOT_A_CHAIN`, `SUBMISSION_ROOT_UNKNOWN`,
 *   `SUBMISSION_POISON_MISSING`, `SUBMISSION_POISONED`, `SUBMISSION_SIGNER_UNSUPPORTED`, `CERTIFICATE_EXPIRED`,
 *   `SIGNATURE_INVALID`; what `parseCertificate` throws; codes of `verifyPath` about an issuer that may not be one
 */
export function checkSubmission(chain: readonly Uint8Array[], check: SubmissionCheck): Submission {
  // 1 Not more than is looked at.
  checkBudget(chain)
  const certificates = chain.map((der, at) => (at === 0 ? parseCertificate(der) : issuerIn(der)))
  const [certificate] = certificates
  if (certificate === undefined) throw refusal('SUBMISSION_NOT_A_CHAIN', 'it is empty')

  // 2 What it is said to be, and not expired.
  checkPoison(certificate, check.kind)
  if (check.now !== undefined) checkExpiry(certificate, check.now)

  // 3 Below a root of the log's, link by link.
  const above = rootAbove(certificates.at(-1) as Certificate, check.roots)
  for (const [index, issuer] of certificates.slice(1).entries()) {
    checkLink(certificates[index] as Certificate, issuer, check.roots)
  }
  const whole = [...certificates, ...above]

  // 4 What the log will sign.
  const precertificate = check.kind === 'pre-chain' ? certificate.der : undefined
  const issuers = whole.slice(1).map(({ der }) => der)
  return { entry: entryOf(whole, check.kind), certificate, precertificate, chain: issuers }
}

function checkBudget(chain: readonly Uint8Array[]): void {
  const { chain: most, chainBytes } = transparencyBudget
  if (chain.length > most) {
    throw refusal('SUBMISSION_TOO_LONG', `it is of ${chain.length} certificates; ${most} are allowed`, {
      found: chain.length,
      allowed: most,
    })
  }
  const bytes = chain.reduce((sum, { length }) => sum + length, 0)
  if (bytes > chainBytes) {
    throw refusal('SUBMISSION_TOO_LARGE', `it is of ${bytes} bytes; ${chainBytes} are allowed`, {
      found: bytes,
      allowed: chainBytes,
    })
  }
}

function checkPoison({ extensions }: Certificate, kind: SubmissionCheck['kind']): void {
  if (kind === 'chain' && extensions.poison !== undefined) {
    throw refusal(
      'SUBMISSION_POISONED',
      'its first certificate is a precertificate; submit it to add-pre-chain',
    )
  }
  // RFC 6962 §3.1: the poison is critical.
  if (kind === 'pre-chain' && !extensions.poison?.critical) {
    throw refusal(
      'SUBMISSION_POISON_MISSING',
      'its first certificate has no critical poison; submit final certificates to add-chain',
    )
  }
}

/** @returns the root above the last certificate; none where that is the root itself */
function rootAbove(last: Certificate, roots: readonly Certificate[]): readonly Certificate[] {
  if (isOneOf(last, roots)) return []
  const root = roots.find((each) => each.subject.equals(last.issuer) && isSignedBy(last, each))
  if (root !== undefined) return [root]
  throw refusal('SUBMISSION_ROOT_UNKNOWN', `it ends at ${last.issuer}, which is no root of this log`, {
    issuer: last.issuer.toString(),
  })
}

function checkLink(certificate: Certificate, issuer: Certificate, roots: readonly Certificate[]): void {
  if (!certificate.issuer.equals(issuer.subject)) {
    throw refusal(
      'SUBMISSION_NOT_A_CHAIN',
      `${certificate.subject} was issued by ${certificate.issuer}, and ${issuer.subject} follows`,
    )
  }
  // Precertificates of another issuer than the final one's: RFC 6962 §3.1 has them, BR 7.1.2.4 forbids them.
  if (issuer.extensions.extendedKeyUsage?.purposes.includes(oids.precertificateSigning)) {
    throw refusal(
      'SUBMISSION_SIGNER_UNSUPPORTED',
      `${issuer.subject} signs precertificates for another CA; let the CA itself sign them`,
    )
  }
  checkFitness(issuer, isOneOf(issuer, roots) ? 'root' : 'issuing-ca')
  if (!isSignedBy(certificate, issuer)) {
    throw refusal('SIGNATURE_INVALID', `${certificate.subject} is not signed by the key of ${issuer.subject}`)
  }
}

function isOneOf(certificate: Certificate, roots: readonly Certificate[]): boolean {
  return roots.some((root) => equalOctets(root.der, certificate.der))
}

function entryOf(whole: readonly Certificate[], kind: SubmissionCheck['kind']): LogEntry {
  const [certificate, issuer] = whole as [Certificate, Certificate | undefined]
  if (kind === 'chain') return x509Entry(certificate.der)
  if (issuer === undefined) throw refusal('SUBMISSION_NOT_A_CHAIN', 'a precertificate is no root')
  return precertEntry({ tbs: withoutPoison(certificate.tbs), issuerKeyHash: sha256(issuer.spki) })
}

function refusal(code: PkiErrorCode, reason: string, data: PkiErrorData = {}): PkiError {
  return new PkiError(code, `the chain submitted to the log is refused: ${reason}`, { reason, ...data })
}
