import type { Certificate } from '../certificate.ts'
import { type SignedMessage, verifySignature, verifySignatureAside } from '../keys/signature.ts'

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
  const known = checkedSignatures.get(issuer)?.get(certificate)
  if (known !== undefined) return known
  beforeVerifying()
  return keep(certificate, issuer, verifySignature(signatureOf(certificate, issuer)))
}

/** The same on the thread pool. */
export async function isSignedByAside(certificate: Certificate, issuer: Certificate): Promise<boolean> {
  const known = checkedSignatures.get(issuer)?.get(certificate)
  if (known !== undefined) return known
  return keep(certificate, issuer, await verifySignatureAside(signatureOf(certificate, issuer)))
}

function signatureOf(
  { tbs, signature, signatureAlgorithm }: Certificate,
  { spki }: Certificate,
): SignedMessage {
  return { spki, message: tbs, signature, algorithm: signatureAlgorithm }
}

function keep(certificate: Certificate, issuer: Certificate, valid: boolean): boolean {
  const checked = checkedSignatures.get(issuer) ?? new WeakMap<Certificate, boolean>()
  checkedSignatures.set(issuer, checked.set(certificate, valid))
  return valid
}

/** By issuer, because there are few of them. */
const checkedSignatures = new WeakMap<Certificate, WeakMap<Certificate, boolean>>()
