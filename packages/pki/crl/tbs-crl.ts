import type { TbsCertificate } from '../certificate.ts'
import { RoomySequence } from '../der/roomy-sequence.ts'
import { year1950, year10000 } from '../der/time.ts'
import { type DerWriter, encodeDer, sequenceHeader } from '../der/writer.ts'
import { writeCrlDistributionPoint } from '../extensions/crl-distribution-points.ts'
import { writeCrlNumber } from '../extensions/crl-number.ts'
import { writeExtension } from '../extensions/extensions.ts'
import { type CrlScope, writeIssuingDistributionPoint } from '../extensions/issuing-distribution-point.ts'
import { writeAuthorityKeyIdentifier } from '../extensions/key-identifiers.ts'
import { oids } from '../oids.ts'
import { PkiError } from '../pki-error.ts'
import { issuerFields } from '../profiles/issuer-fields.ts'
import type { RevokedEntries } from './revoked-entries.ts'

export interface CrlRequest {
  /** The CA whose certificates are listed, and whose key signs. */
  readonly issuer: TbsCertificate
  /** Higher than that of every list of this scope before it, full or delta (RFC 5280 §5.2.3). */
  readonly number: bigint | number
  /** Milliseconds since the epoch; fractions of a second are dropped. */
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly entries: readonly RevokedEntries[]
  /** Makes it a delta: the number of the full list that `entries` are the changes of. */
  readonly base?: bigint | number | undefined
  /** Left out where the list is about every certificate of the issuer. */
  readonly scope?: CrlScope | undefined
  /** URI of the delta to this list; never in a delta. */
  readonly freshest?: string | undefined
}

/** Octets for the largest signature, of ML-DSA-65, with its algorithm; RSA keys have 2 kB at most. */
const SIGNATURE_ROOM = 4096

/**
 * The DER of a `TBSCertList` (RFC 5280 §5.1). The entries are copied once.
 *
 * @throws PkiError `PROFILE_INVALID`, `NAME_INVALID`, `KEY_UNSUPPORTED`
 */
export function encodeTbsCrl(request: CrlRequest): RoomySequence {
  checkTimes(request)
  const { issuer, signatureIdentifier, authorityKeyIdentifier } = issuerFields(request.issuer)
  const head = encodeDer((der) => {
    der.smallInteger(1)
    der.raw(signatureIdentifier)
    der.raw(issuer)
    der.time(request.thisUpdate)
    der.time(request.nextUpdate)
  })
  const entries = request.entries.map(({ der }) => der)
  const length = entries.reduce((sum, entry) => sum + entry.length, 0)
  // §5.1.2.6: absent where nothing is revoked.
  const list = length === 0 ? [] : [sequenceHeader(length), ...entries]
  const extensions = encodeDer((der) =>
    der.explicit(0, () => der.sequence(() => writeExtensions(der, request, authorityKeyIdentifier))),
  )
  return new RoomySequence([head, ...list, extensions], SIGNATURE_ROOM)
}

function writeExtensions(
  der: DerWriter,
  { number, base, scope, freshest }: CrlRequest,
  authorityKeyIdentifier: Uint8Array,
): void {
  writeExtension(der, oids.authorityKeyIdentifier, false, () =>
    writeAuthorityKeyIdentifier(der, authorityKeyIdentifier),
  )
  writeExtension(der, oids.crlNumber, false, () => writeCrlNumber(der, number))
  if (base !== undefined) {
    writeExtension(der, oids.deltaCrlIndicator, true, () => writeCrlNumber(der, base))
  }
  if (scope !== undefined) {
    writeExtension(der, oids.issuingDistributionPoint, true, () => writeIssuingDistributionPoint(der, scope))
  }
  if (freshest !== undefined) {
    writeExtension(der, oids.freshestCrl, false, () => writeCrlDistributionPoint(der, freshest))
  }
}

function checkTimes({ thisUpdate, nextUpdate }: CrlRequest): void {
  if (thisUpdate < nextUpdate && thisUpdate >= year1950 && nextUpdate < year10000) return
  throw new PkiError(
    'PROFILE_INVALID',
    'the next update must come after this one, both between the years 1950 and 9999 (RFC 5280 §5.1.2.5)',
    { field: 'nextUpdate', thisUpdate, nextUpdate },
  )
}
