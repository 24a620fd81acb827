import type { Certificate } from '../certificate.ts'
import { verifySignature } from '../keys/signature.ts'

/**
 * Whether a certificate is signed by the key of another (RFC 5280 §6.1.3 (a) (1)). What was checked once is known for as
 * long as both certificates are held: a signature doesn't grow old, and the CAs of a mesh are the same every time.
 *
 * @param beforeVerifying called before a signature is verified; what it throws ends it
 * @throws PkiError as `verifySignature`
 */
export function isSignedBy(
  certificate: Certificate,
  issuer: Certificate,
  beforeVerifying: () => void = () => {},
): boolean {
  const checked = checkedSignatures.get(issuer) ?? new WeakMap<Certificate, boolean>()
  const known = checked.get(certificate)
  if (known !== undefined) return known
  beforeVerifying()
  const { tbs, signature, signatureAlgorithm } = certificate
  const valid = verifySignature({
    spki: issuer.spki,
    message: tbs,
    signature,
    algorithm: signatureAlgorithm,
  })
  checkedSignatures.set(issuer, checked.set(certificate, valid))
  return valid
}

/** By issuer, because there are few of them. */
const checkedSignatures = new WeakMap<Certificate, WeakMap<Certificate, boolean>>()
