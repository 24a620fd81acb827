import { sha256 } from '@datapunk/pki'
import { revokedPrefix } from '@datapunk/protocol'
import type { Reader } from '../store/contract.ts'
import type { CertificateProfile, RevokedCertificate } from '../store/rows.ts'
import { RevokedRecords } from './revoked-records.ts'

/** The bundle's section "revoked", and the SHA-256 that names it, lowercase hex. */
export interface RevokedSection {
  readonly bytes: Uint8Array
  readonly digest: string
}

/** What is shown to peers. CAs leave the trust statement instead. */
const SHOWN: ReadonlySet<CertificateProfile> = new Set(['leaf', 'authority', 'operator', 'probe'])

/**
 * The section "revoked", kept from one bundle to the next.
 *
 * It can't disagree with the inventory: there revocations are numbered, and none is changed or removed. Each look takes in
 * those above the last number taken in, and what was kept for a later time than is asked for is read anew.
 */
export class KeptSection {
  readonly #store: Pick<Reader, 'revoked'>
  #records = RevokedRecords.none
  #section: RevokedSection | undefined
  #last = 0
  #time = Number.NEGATIVE_INFINITY

  constructor(store: Pick<Reader, 'revoked'>) {
    this.#store = store
  }

  /**
   * @param time who has ended by then is left out, milliseconds since the epoch
   * @returns undefined where nobody is left; the same object as before where nothing has changed
   */
  at(time: number): RevokedSection | undefined {
    const isEarlier = time < this.#time
    const known = isEarlier ? RevokedRecords.none : this.#records
    let last = isEarlier ? 0 : this.#last
    const added = shownOf(this.#store.revoked({ number: last, time }), (number) => {
      last = number
    })
    const records = known.after(time).with(RevokedRecords.of(added))
    const section = records === this.#records ? this.#section : sectionOf(records)
    // Together, once nothing can fail: a number that goes ahead of its record would leave that out for good.
    this.#records = records
    this.#section = section
    this.#last = last
    this.#time = time
    return section
  }
}

/**
 * Of certificates that peers would still believe.
 *
 * @param read is told the number of each revocation, shown or not
 */
function* shownOf(
  revoked: Iterable<RevokedCertificate>,
  read: (number: number) => void,
): Iterable<{ prefix: string; end: number }> {
  for (const { number, serial, profile, notAfter } of revoked) {
    read(number)
    if (SHOWN.has(profile)) yield { prefix: revokedPrefix(serial), end: notAfter }
  }
}

function sectionOf({ prefixes: bytes, count }: RevokedRecords): RevokedSection | undefined {
  if (count === 0) return undefined
  return { bytes, digest: Buffer.from(sha256(bytes)).toString('hex') }
}

const kept = new WeakMap<object, KeptSection>()

/** That of an inventory, for as long as it is open. */
export function keptSection(store: Reader): KeptSection {
  const known = kept.get(store) ?? new KeptSection(store)
  kept.set(store, known)
  return known
}
