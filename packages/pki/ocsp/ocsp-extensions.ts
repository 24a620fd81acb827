import { type DerReader, readDer } from '../der/reader.ts'
import { type DerWriter, encodeDer } from '../der/writer.ts'
import { readExtension, writeExtension } from '../extensions/extensions.ts'
import { oids } from '../oids.ts'
import { PkiError } from '../pki-error.ts'
import { ocspMalformed } from './ocsp-malformed.ts'

/** Octets of a nonce: what is read, and what RFC 9654 §2.1 has a client send at least. */
export const nonceOctets = { least: 1, most: 128, leastSent: 32 } as const

/** Extensions of an OCSP message, by their object identifiers. */
export type OcspExtensions = ReadonlyMap<string, Uint8Array>

/**
 * `Extensions`, as in certificates. Of each kind there is one; those that are critical and not listed in `understood` are
 * refused (RFC 6960 §4.4).
 *
 * @throws PkiError `OCSP_MALFORMED`, `UNKNOWN_CRITICAL_EXTENSION`
 */
export function readOcspExtensions(der: DerReader, understood: readonly string[]): OcspExtensions {
  const extensions = new Map<string, Uint8Array>()
  for (const { oid, critical, value } of der.sequenceOf(readExtension)) {
    if (extensions.has(oid)) throw ocspMalformed(`the extension ${oid} appears twice`, { extension: oid })
    if (critical && !understood.includes(oid)) {
      throw new PkiError(
        'UNKNOWN_CRITICAL_EXTENSION',
        `the OCSP message has the critical extension ${oid}, which is not understood here (RFC 6960 §4.4)`,
        { extension: oid },
      )
    }
    extensions.set(oid, value)
  }
  if (extensions.size === 0) throw ocspMalformed('a list of extensions is empty')
  return extensions
}

/** `Nonce ::= OCTET STRING (SIZE(1..128))` inside the OCTET STRING of every extension: RFC 9654 §2.1. */
export function readNonce(extensions: OcspExtensions | undefined): Uint8Array | undefined {
  const value = extensions?.get(oids.ocspNonce)
  if (value === undefined) return undefined
  const nonce = readDer(value, (der) => der.octetString())
  const { least, most } = nonceOctets
  if (nonce.length >= least && nonce.length <= most) return nonce
  throw ocspMalformed(`the nonce has ${nonce.length} octets, not ${least} to ${most} (RFC 9654 §2.1)`, {
    found: nonce.length,
    least,
    most,
  })
}

export function writeNonce(der: DerWriter, nonce: Uint8Array): void {
  writeExtension(der, oids.ocspNonce, false, () => der.octetString(nonce))
}

/** `id-pkix-ocsp-extended-revoke`, whose value is NULL: RFC 6960 §4.4.8. */
export const extendedRevokeExtension = encodeDer((der) =>
  writeExtension(der, oids.ocspExtendedRevoke, false, () => der.null()),
)
