import { sha256 } from '@datapunk/pki'
import { revokedPrefix } from '@datapunk/protocol'
import type { Reader } from '../store/contract.ts'
import type { CertificateProfile } from '../store/rows.ts'
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
    const known = time < this.#time ? RevokedRecords.none : this.#records
    if (time < this.#time) this.#last = 0
    this.#time = time
    const records = known.after(time).with(RevokedRecords.of(this.#added()))
    if (records !== this.#records) {
      this.#records = records
      const { prefixes: bytes, count } = records
      const digest = Buffer.from(sha256(bytes)).toString('hex')
      this.#section = count === 0 ? undefined : { bytes, digest }
    }
    return this.#section
  }

  /** Of certificates that peers would still believe. */
  *#added(): Iterable<{ prefix: string; end: number }> {
    const which = { number: this.#last, time: this.#time }
    for (const { number, serial, profile, notAfter } of this.#store.revoked(which)) {
      this.#last = number
      if (SHOWN.has(profile)) yield { prefix: revokedPrefix(serial), end: notAfter }
    }
  }
}

const kept = new WeakMap<object, KeptSection>()

/** That of an inventory, for as long as it is open. */
export function keptSection(store: Reader): KeptSection {
  const known = kept.get(store) ?? new KeptSection(store)
  kept.set(store, known)
  return known
}
