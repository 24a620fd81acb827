import type { TbsCertificate } from '../certificate.ts'
import { type LintFinding, lintFailed } from '../lint/lint.ts'
import { readTbsCrl, type TbsCrl } from './crl.ts'
import { crlRules } from './crl-rules.ts'
import type { RevokedEntries } from './revoked-entries.ts'

/** The proof that one to-be-signed list keeps every rule: `LintedCrl.lint` alone makes it, and signing demands it. */
export class LintedCrl {
  readonly #crl: TbsCrl
  readonly #issuerSpki: Uint8Array

  private constructor(crl: TbsCrl, issuerSpki: Uint8Array) {
    this.#crl = crl
    this.#issuerSpki = issuerSpki
  }

  get crl(): TbsCrl {
    return this.#crl
  }

  /** DER SubjectPublicKeyInfo of the key that must sign. */
  get issuerSpki(): Uint8Array {
    return this.#issuerSpki
  }

  /**
   * Reads the list from its own octets, and holds it against every rule.
   *
   * @param tbs DER `TBSCertList`, which nobody else may hold: it is not copied
   * @param known entries that were read before: those that it begins its list with are not read again
   * @throws PkiError `LINT_FAILED` with `data.findings`, all of them; what `parseCrl` throws for unreadable octets
   */
  static lint(tbs: Uint8Array, issuer: TbsCertificate, known: readonly RevokedEntries[] = []): LintedCrl {
    const crl = readTbsCrl(tbs, known)
    const findings: LintFinding[] = []
    for (const { name, source, check } of crlRules) {
      const message = check(crl, issuer)
      if (message !== undefined) findings.push({ rule: name, source, message })
    }
    if (findings.length === 0) return new LintedCrl(crl, issuer.spki)
    throw lintFailed(`the revocation list ${crl.number} of ${crl.issuer}`, findings, {
      number: crl.number.toString(),
    })
  }
}
