import { parseTbsCertificate, type TbsCertificate } from '../certificate.ts'
import { PkiError, type PkiErrorData } from '../pki-error.ts'
import type { Profile } from '../profiles/profile.ts'
import { issueToken, type LintToken } from './lint-token.ts'
import { lintRulesOf } from './rules.ts'

export interface LintFinding {
  /** The rule's name. */
  readonly rule: string
  /** Where the rule stands. */
  readonly source: string
  readonly message: string
}

export interface LintRequest {
  /** DER `TBSCertificate`. */
  readonly tbs: Uint8Array
  readonly profile: Profile
  /** The certificate whose key will sign; left out for a root, which signs itself. */
  readonly issuer?: TbsCertificate
}

/**
 * Holds a certificate that nobody has signed yet against every rule of its profile (BR 4.3.1.2).
 *
 * @returns a token that signs exactly these octets, once
 * @throws PkiError `LINT_FAILED` with `data.findings`, all of them; what `parseCertificate` throws for
 *   unreadable octets
 */
export function lint({ tbs, profile, issuer }: LintRequest): LintToken {
  if (issuer === undefined && profile !== 'root') {
    throw new TypeError(`linting a certificate of profile ${profile} needs its issuer`)
  }
  // The token must stand for octets that nobody can change any more.
  const certificate = parseTbsCertificate(new Uint8Array(tbs))
  const linted = { certificate, profile, issuer: issuer ?? certificate }
  const findings: LintFinding[] = []
  for (const rule of lintRulesOf[profile]) {
    const message = rule.check(linted)
    if (message !== undefined) findings.push({ rule: rule.name, source: rule.source, message })
  }
  if (findings.length === 0) return issueToken({ certificate, profile, issuerSpki: linted.issuer.spki })
  throw lintFailed(`the ${profile} certificate for ${certificate.subject}`, findings, { profile })
}

/** `LINT_FAILED`: what is not signed, and every finding. */
export function lintFailed(what: string, findings: readonly LintFinding[], data: PkiErrorData): PkiError {
  return new PkiError(
    'LINT_FAILED',
    `${what} breaks ${findings.length} of our rules: ` +
      findings.map(({ rule, source, message }) => `${message} (${rule}, ${source})`).join('; '),
    { ...data, findings },
  )
}
