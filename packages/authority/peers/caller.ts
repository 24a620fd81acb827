import { type Certificate, onlySpiffeId, PkiError, parseCertificate, verifyPath } from '@datapunk/pki'
import type { KnownCallers } from './known-callers.ts'

/** Who is at the other end of a connection, by the certificate shown. */
export interface Caller {
  readonly service: string
  readonly instance: string
  readonly leaf: Certificate
  /** When the certificate, or the chain above it, ends; milliseconds since the epoch. */
  readonly notAfter: number
}

/** What came out of a TLS handshake. */
export interface Shown {
  /** DER; undefined where no certificate was shown. */
  readonly leaf: Uint8Array | undefined
  /** OpenSSL's reason to refuse, as in `CERT_HAS_EXPIRED`; undefined where it would let the peer pass. */
  readonly openssl: string | undefined
}

/** Somebody who may not speak to the authority, and why: what was found, and what is allowed. */
export class CallerRefused extends Error {
  override readonly name = 'CallerRefused'
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
 * Judges whoever connects from another host, strictly, by what is on record and never by what else was sent: path and leaf
 * profile, exactly one SPIFFE ID (X509-SVID 2), a certificate that was issued to an instance of a member.
 *
 * @param at milliseconds since the epoch
 * @throws CallerRefused
 */
export function judgeCaller({ leaf: der, openssl }: Shown, known: KnownCallers, at: number): Caller {
  if (der === undefined) {
    throw new CallerRefused(
      'NO_CERTIFICATE',
      'found a caller without a certificate; allowed: peers of the mesh',
    )
  }
  const leaf = checked(() => parseCertificate(der))
  const caller = judgeLeaf(leaf, known, at)
  // OpenSSL may be stricter in a point of its own.
  if (openssl === undefined) return caller
  throw new CallerRefused(
    'OPENSSL_REFUSED',
    `found a certificate that OpenSSL refuses (${openssl}); allowed: one of this mesh that is valid now`,
    leaf,
  )
}

/** The same for somebody who has passed before: what was true then may no longer be. @throws CallerRefused */
export function judgeLeaf(leaf: Certificate, known: KnownCallers, at: number): Caller {
  const { roots, issuingCas } = known.trusted
  const path = checked(
    () => verifyPath({ leaf, intermediates: issuingCas, roots, at, usage: 'clientAuth' }),
    leaf,
  )
  const id = checked(() => onlySpiffeId(leaf), leaf)
  const owner = known.ownerOf(leaf)
  if (owner === undefined) {
    throw new CallerRefused(
      'CERTIFICATE_UNKNOWN',
      `found the certificate ${leaf.serial} (${id}), which is on record as no instance's; allowed: what this authority has issued to one`,
      leaf,
    )
  }
  if (!owner.isMember || owner.spiffeId !== `${id}`) {
    throw new CallerRefused(
      'NOT_A_MEMBER',
      `found ${id}; allowed: the members of the mesh: add the service to the config file and run \`mtls apply\``,
      leaf,
    )
  }
  if (owner.isRevoked) {
    throw new CallerRefused(
      'REVOKED',
      `found the certificate ${leaf.serial} of ${owner.service}, which is revoked; allowed: its newest; \`mtls issue ${owner.service}\` makes one`,
      leaf,
    )
  }
  return { service: owner.service, instance: owner.instance, leaf, notAfter: path.notAfter }
}

function checked<T>(check: () => T, leaf?: Certificate): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    throw new CallerRefused(error.code, error.message, leaf, error)
  }
}
