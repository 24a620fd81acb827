import type { RevocationReason } from '../extensions/reason-code.ts'
import { PkiError } from '../pki-error.ts'
import type { Crl } from './crl.ts'

/** What a list says of one serial. */
export type RevocationStatus =
  | { readonly revoked: false }
  | { readonly revoked: true; readonly at: number; readonly reason: RevocationReason }

/** A list that says what has changed since another. */
export type Delta = Crl & { readonly base: bigint }

/** Known to this file only, so that no other code can construct what is checked, not even through `constructor`. */
const maker = Symbol('check')

/**
 * A full list that was checked, or one with deltas that were: what alone answers for certificates. Only `checkCrl` and
 * `combine` make one.
 */
export class CheckedCrl {
  readonly #lists: readonly [Crl, ...Crl[]]
  readonly #issuerSpki: Uint8Array

  constructor(by: symbol, lists: readonly [Crl, ...Crl[]], issuerSpki: Uint8Array) {
    if (by !== maker) throw new TypeError('only checkCrl and combine make checked lists')
    this.#lists = lists
    this.#issuerSpki = issuerSpki
  }

  /** The lists it was made of: the latest first, the full one last. */
  get lists(): readonly [Crl, ...Crl[]] {
    return this.#lists
  }

  /** DER SubjectPublicKeyInfo of the key that signed them. */
  get issuerSpki(): Uint8Array {
    return this.#issuerSpki
  }

  /** That of the latest list, and so are both times (RFC 5280 §5.2.4). */
  get number(): bigint {
    return this.#lists[0].number
  }

  /** Milliseconds since the epoch. */
  get thisUpdate(): number {
    return this.#lists[0].thisUpdate
  }

  get nextUpdate(): number {
    return this.#lists[0].nextUpdate
  }

  /**
   * Whether a certificate of this issuer and scope is revoked.
   *
   * @param serial content octets of the INTEGER, as `Certificate.serialBytes` has them
   * @param at milliseconds since the epoch
   * @throws PkiError `CRL_STALE` after the next update was due: then nothing is known
   */
  statusOf(serial: Uint8Array, at: number): RevocationStatus {
    checkFresh(this.#lists[0], at)
    for (const { entries } of this.#lists) {
      const entry = entries.find(serial)
      if (entry === undefined) continue
      if (entry.reason === 'removeFromCRL') return { revoked: false }
      return { revoked: true, at: entry.at, reason: entry.reason }
    }
    return { revoked: false }
  }
}

/** A delta that was checked. It answers for nothing until it is combined with a full list. */
export class CheckedDelta {
  readonly #crl: Delta
  readonly #issuerSpki: Uint8Array

  constructor(by: symbol, crl: Delta, issuerSpki: Uint8Array) {
    if (by !== maker) throw new TypeError('only checkDelta makes checked deltas')
    this.#crl = crl
    this.#issuerSpki = issuerSpki
  }

  get crl(): Delta {
    return this.#crl
  }

  get issuerSpki(): Uint8Array {
    return this.#issuerSpki
  }
}

/** For `checkCrl` and `combine` only: the package's index exports none of these makers. */
export function checkedCrl(lists: readonly [Crl, ...Crl[]], issuerSpki: Uint8Array): CheckedCrl {
  return new CheckedCrl(maker, lists, issuerSpki)
}

export function checkedDelta(crl: Delta, issuerSpki: Uint8Array): CheckedDelta {
  return new CheckedDelta(maker, crl, issuerSpki)
}

/** @throws PkiError `CRL_STALE` */
export function checkFresh({ nextUpdate, number }: Crl, at: number): void {
  // Written so that a time which is no number is refused too.
  if (at <= nextUpdate) return
  throw new PkiError(
    'CRL_STALE',
    `the revocation list ${number} was to be replaced by ${timeText(nextUpdate)}, and it is ${timeText(at)}; get the next one`,
    { number: number.toString(), nextUpdate, at },
  )
}

export function timeText(time: number): string {
  return Number.isFinite(time) ? new Date(time).toISOString() : String(time)
}
