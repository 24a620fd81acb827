import type { Shown, Visitor } from '@datapunk/console'
import type { MeshDocuments } from '@datapunk/mesh'
import { type Certificate, onlySpiffeId, PkiError, parseCertificate, verifyPath } from '@datapunk/pki'
import type { OperatorConfig } from '@datapunk/protocol'

/** What an operator is judged by. */
export interface OperatorRules {
  /** @throws where nothing of it can be believed */
  readonly mesh: () => MeshDocuments
  /** Whom the config names now. */
  readonly operators: readonly OperatorConfig[]
  /** Nobody may do anything. */
  readonly readOnly: boolean
  /** Whether the authority has issued just this certificate, to an operator. */
  readonly isOnRecord: (leaf: Certificate) => boolean
  /** Milliseconds. */
  readonly clockSkew: number
}

/** Somebody who may not come in, and why: what was found, what is allowed, which command repairs it. */
export class OperatorRefused extends Error {
  override readonly name = 'OperatorRefused'
  /** A rule of ours, or the code of a PkiError. */
  readonly rule: string
  /** As the certificate says; none of it is proven. */
  readonly serial: string | undefined

  constructor(rule: string, message: string, leaf?: Certificate, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.rule = rule
    this.serial = leaf?.serial
  }
}

/**
 * Judges whoever comes to the console from elsewhere, strictly, and by nothing that was sent but the certificate. What can't be
 * judged is refused.
 *
 * @param at milliseconds since the epoch
 * @throws OperatorRefused, and nothing else
 */
export function judgeOperator({ leaf: der, openssl }: Shown, rules: OperatorRules, at: number): Visitor {
  if (der === undefined) {
    throw new OperatorRefused(
      'NO_CERTIFICATE',
      'found a visitor without a certificate; allowed: operators: `mtls issue --operator NAME --csr FILE` makes one',
    )
  }
  let leaf: Certificate | undefined
  try {
    leaf = parseCertificate(der)
    const visitor = judged(leaf, rules, at)
    // OpenSSL may be stricter in a point of its own.
    if (openssl === undefined) return visitor
  } catch (error) {
    throw refusalOf(error, leaf)
  }
  throw refusedByOpenssl(leaf, openssl)
}

function judged(leaf: Certificate, rules: OperatorRules, at: number): Visitor {
  const { trust, bundle } = rules.mesh()
  // 1 What is said of revocation is true until its end, and not beyond.
  if (at > bundle.head.expiresAt + rules.clockSkew) throw bundleExpired(leaf)
  // 2 Path and leaf profile, by the CAs that the mesh trusts now.
  const { issuingCas, roots } = trust
  verifyPath({ leaf, intermediates: issuingCas, roots, at, usage: 'clientAuth' })
  // 3 Exactly one SPIFFE ID (X509-SVID 2), of somebody whom the config names.
  const { operator, readOnly } = operatorOf(leaf, rules.operators)
  // 4 A stolen issuing key makes certificates that are on no record.
  if (!rules.isOnRecord(leaf)) throw unknown(leaf)
  // 5 Not revoked.
  if (bundle.revoked.has(leaf.serial)) throw revoked(leaf, operator)
  return { operator, readOnly: readOnly || rules.readOnly }
}

function operatorOf(leaf: Certificate, operators: readonly OperatorConfig[]): OperatorConfig {
  const id = onlySpiffeId(leaf)
  const operator = operators.find(({ spiffeId }) => spiffeId === `${id}`)
  if (operator !== undefined) return operator
  throw new OperatorRefused(
    'NOT_AN_OPERATOR',
    `found ${id}; allowed: the operators of the config: ${operators.map((one) => one.operator).join(', ')}`,
    leaf,
  )
}

function bundleExpired(leaf: Certificate): OperatorRefused {
  return new OperatorRefused(
    'BUNDLE_EXPIRED',
    'found a mesh bundle that has ended; allowed: a newer one, which `mtls up` publishes',
    leaf,
  )
}

function unknown(leaf: Certificate): OperatorRefused {
  return new OperatorRefused(
    'CERTIFICATE_UNKNOWN',
    `found the certificate ${leaf.serial}, which is on record as no operator’s; allowed: what \`mtls issue --operator\` has issued`,
    leaf,
  )
}

function revoked(leaf: Certificate, operator: string): OperatorRefused {
  return new OperatorRefused(
    'REVOKED',
    `found the certificate ${leaf.serial} of ${operator}, which is revoked; allowed: another: \`mtls issue --operator ${operator}\` makes one`,
    leaf,
  )
}

function refusedByOpenssl(leaf: Certificate, reason: string): OperatorRefused {
  return new OperatorRefused(
    'OPENSSL_REFUSED',
    `found a certificate that OpenSSL refuses (${reason}); allowed: one of this mesh that is valid now`,
    leaf,
  )
}

function refusalOf(error: unknown, leaf: Certificate | undefined): OperatorRefused {
  if (error instanceof OperatorRefused) return error
  if (error instanceof PkiError) return new OperatorRefused(error.code, error.message, leaf, error)
  return new OperatorRefused('CHECK_FAILED', `the check itself failed: ${error}`, leaf, error)
}
