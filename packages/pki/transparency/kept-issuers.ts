import { type Certificate, parseCertificate } from '../certificate.ts'
import { latin1Text } from '../octets.ts'

/**
 * A certificate that stands above what is submitted. The last 64 are kept, because a log finds the same few above all that it
 * takes, and with them what was found out about their signatures.
 *
 * @throws PkiError as `parseCertificate`
 */
export function issuerIn(der: Uint8Array): Certificate {
  const octets = latin1Text(der)
  const known = keptIssuers.get(octets)
  if (known !== undefined) return known
  // Of a copy: what is kept must not change with what was submitted.
  const issuer = parseCertificate(new Uint8Array(der))
  if (keptIssuers.size >= keptIssuersLimit) keptIssuers.delete(keptIssuers.keys().next().value as string)
  keptIssuers.set(octets, issuer)
  return issuer
}

/** Strangers' certificates can push others out, which costs time and nothing else. */
const keptIssuers = new Map<string, Certificate>()
const keptIssuersLimit = 64
