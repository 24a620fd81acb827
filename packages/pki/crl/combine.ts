import { equalOctets } from '../octets.ts'
import { PkiError } from '../pki-error.ts'
import { type CheckedCrl, type CheckedDelta, checkedCrl } from './checked-crl.ts'
import type { Crl } from './crl.ts'

/**
 * A full list, brought up to date by a delta (RFC 5280 §5.2.4): of the same issuer, key and scope, made from this full list
 * or an earlier one, and later than it. The result has the delta's number and times, and may be combined again.
 *
 * @throws PkiError `CRL_ISSUER_MISMATCH`, `AUTHORITY_KEY_MISMATCH`, `CRL_SCOPE_MISMATCH`, `CRL_BASE_MISMATCH`
 */
export function combine(full: CheckedCrl, delta: CheckedDelta): CheckedCrl {
  const [latest] = full.lists
  const { crl } = delta
  if (!crl.issuer.equals(latest.issuer)) {
    throw mismatch('CRL_ISSUER_MISMATCH', `from ${crl.issuer}`, `from ${latest.issuer}`)
  }
  if (!equalOctets(delta.issuerSpki, full.issuerSpki)) {
    throw mismatch('AUTHORITY_KEY_MISMATCH', 'signed by another key', 'signed by the key of the full list')
  }
  if (!equalOctets(crl.scope?.der ?? none, latest.scope?.der ?? none)) {
    throw mismatch('CRL_SCOPE_MISMATCH', 'of another scope', 'of the scope of the full list, octet for octet')
  }
  const { base } = crl
  if (base > latest.number || crl.number <= latest.number) {
    throw mismatch(
      'CRL_BASE_MISMATCH',
      `number ${crl.number} with the base ${base}`,
      `over ${latest.number}, with a base of at most that`,
    )
  }
  return checkedCrl([crl, ...withoutOutdone(full.lists, base)], full.issuerSpki)
}

/** The lists that a delta from `base` needs below it: it says all that earlier deltas from there on said. */
function withoutOutdone(lists: readonly [Crl, ...Crl[]], base: bigint): readonly Crl[] {
  const needed = lists.findLastIndex(({ number }) => number >= base)
  return lists.slice(needed)
}

type Mismatch = 'AUTHORITY_KEY_MISMATCH' | 'CRL_BASE_MISMATCH' | 'CRL_ISSUER_MISMATCH' | 'CRL_SCOPE_MISMATCH'

function mismatch(code: Mismatch, found: string, allowed: string): PkiError {
  return new PkiError(code, `the delta is ${found}; it must be ${allowed}`, { found, allowed })
}

const none = new Uint8Array(0)
