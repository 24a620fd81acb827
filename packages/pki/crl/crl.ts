import { derBudget } from '../der/budget.ts'
import { type DerReader, readDer } from '../der/reader.ts'
import { tag } from '../der/tag.ts'
import { type Name, readName } from '../name.ts'
import { equalOctets, hexText } from '../octets.ts'
import { PkiError } from '../pki-error.ts'
import { type CrlExtensions, readCrlExtensions } from './crl-extensions.ts'
import { RevokedEntries } from './revoked-entries.ts'

/** What is to be signed of a list, read from its own octets. */
export interface TbsCrl extends CrlExtensions {
  /** The octets that are signed. */
  readonly tbs: Uint8Array
  /** DER `AlgorithmIdentifier`. */
  readonly signatureAlgorithm: Uint8Array
  readonly issuer: Name
  /** Milliseconds since the epoch, whole seconds. */
  readonly thisUpdate: number
  /** When the next list is due at the latest; whoever has none then knows nothing any more. */
  readonly nextUpdate: number
  readonly entries: RevokedEntries
}

/** A certificate revocation list that could be read. Only a checked one answers for a certificate: see `checkCrl`. */
export interface Crl extends TbsCrl {
  readonly der: Uint8Array
  readonly signature: Uint8Array
}

/**
 * ```
 * CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm, signatureValue BIT STRING }
 * ```
 * RFC 5280 §5.1. The octets are copied once; everything in the result points into that copy.
 *
 * @param maxBytes the size budget in bytes, where the default of 128 MiB is not meant
 * @throws PkiError `DER_INVALID`, `DER_BUDGET_EXCEEDED`, `EXTENSION_MALFORMED`, `UNKNOWN_CRITICAL_EXTENSION`,
 *   `CRL_MALFORMED`
 */
export function parseCrl(der: Uint8Array, maxBytes: number = derBudget.crlBytes): Crl {
  const own = new Uint8Array(der)
  const read = (reader: DerReader): Crl =>
    reader.sequence((list) => {
      const { value, encoded } = list.kept((tbs) => readTbs(tbs))
      const outerAlgorithm = list.encoded(tag.sequence)
      const signature = list.octetsInBitString()
      // §5.1.1.2: the unsigned field says the same as the signed one.
      if (!equalOctets(outerAlgorithm, value.signatureAlgorithm)) {
        malformed('the signature algorithm outside the signed part differs from the one inside')
      }
      return { der: own, ...value, tbs: encoded, signature }
    })
  return readDer(own, read, maxBytes)
}

/**
 * Reads a `TBSCertList` that nobody has signed yet, without a copy.
 *
 * @param known as for `RevokedEntries`
 * @throws PkiError as `parseCrl`
 */
export function readTbsCrl(tbs: Uint8Array, known: readonly RevokedEntries[] = []): TbsCrl {
  return { ...readDer(tbs, (der) => readTbs(der, known), derBudget.crlBytes), tbs }
}

/**
 * ```
 * TBSCertList ::= SEQUENCE {
 *   version INTEGER 1, signature AlgorithmIdentifier, issuer Name, thisUpdate Time, nextUpdate Time,
 *   revokedCertificates SEQUENCE OF SEQUENCE {…} OPTIONAL, crlExtensions [0] EXPLICIT Extensions }
 * ```
 * RFC 5280 §5.1.2: the version is always 2, `nextUpdate` and the extensions are always there, and a list of no entries is
 * left out.
 */
function readTbs(der: DerReader, known: readonly RevokedEntries[] = []): Omit<TbsCrl, 'tbs'> {
  return der.sequence((tbs) => {
    const version = tbs.smallInteger()
    if (version !== 1) malformed(`version number ${version} is not 1 (v2)`)
    const signatureAlgorithm = tbs.encoded(tag.sequence)
    const issuer = readName(tbs)
    const thisUpdate = tbs.time()
    const nextUpdate = tbs.time()
    const listed = tbs.next(tag.sequence) ? tbs.content(tag.sequence) : undefined
    if (listed?.length === 0) malformed('its list of revoked certificates is empty instead of left out')
    const extensions = tbs.optional(0, readCrlExtensions) ?? malformed('it has no extensions')
    const entries = new RevokedEntries(listed ?? new Uint8Array(0), known)
    checkEntriesOfKind(entries, extensions)
    return { signatureAlgorithm, issuer, thisUpdate, nextUpdate, entries, ...extensions }
  })
}

/** §5.3.1: only a delta takes something back. What it says of a serial, it says once. */
function checkEntriesOfKind(entries: RevokedEntries, { base }: CrlExtensions): void {
  if (base === undefined) {
    if (entries.reasons.has('removeFromCRL'))
      malformed('a full list has an entry with the reason removeFromCRL')
  } else if (entries.repeated !== undefined) {
    malformed(`a delta lists the serial ${hexText(entries.repeated)} twice`)
  }
}

function malformed(reason: string): never {
  throw new PkiError('CRL_MALFORMED', `the revocation list is malformed: ${reason}`, { reason })
}
