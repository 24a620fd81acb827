import { PkiError, type PkiErrorData } from '../pki-error.ts'

/** An OCSP message that is DER and yet not what RFC 6960 says it must be. */
export function ocspMalformed(reason: string, data: PkiErrorData = {}): PkiError {
  return new PkiError('OCSP_MALFORMED', `the OCSP message is malformed: ${reason}`, { ...data, reason })
}

/** @throws PkiError `DER_BUDGET_EXCEEDED` when a list is longer than is read */
export function checkOcspBudget(budget: string, found: number, allowed: number): void {
  if (found <= allowed) return
  throw new PkiError(
    'DER_BUDGET_EXCEEDED',
    `the OCSP message has ${found} ${budget}; at most ${allowed} are read`,
    {
      budget,
      found,
      allowed,
    },
  )
}
