import { type Certificate, parseCertificate } from '@datapunk/pki'

/** A mesh that rolls over once a month has as many in forty years. */
const KEPT = 1024

const known = new Map<string, Certificate>()
/** Rows of the inventory are changed by nobody, and mostly the same objects as before. */
const ofObject = new WeakMap<Uint8Array, Certificate>()

/** `parseCertificate` for those of CAs: they are few, and looked at again and again. */
export function caCertificate(der: Uint8Array): Certificate {
  const read = ofObject.get(der) ?? ofOctets(der)
  ofObject.set(der, read)
  return read
}

function ofOctets(der: Uint8Array): Certificate {
  const octets = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('latin1')
  const found = known.get(octets)
  if (found !== undefined) return found
  const certificate = parseCertificate(der)
  if (known.size >= KEPT) known.delete(known.keys().next().value as string)
  known.set(octets, certificate)
  return certificate
}
