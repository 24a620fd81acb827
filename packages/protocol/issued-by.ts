import { type DocumentNumber, formatDocumentNumber } from './document-number.ts'
import { ProtocolError } from './error.ts'

/**
 * Refuses what was issued later than it can have been: the clock of one of the two machines is wrong, and whoever believes
 * it might believe it for too long.
 *
 * @param latest milliseconds since the epoch; left out, whenever is fine
 * @throws ProtocolError `ISSUED_IN_THE_FUTURE`
 */
export function checkIssuedBy(
  { number, issuedAt }: { readonly number: DocumentNumber; readonly issuedAt: number },
  latest: number | undefined,
  what: 'bundle' | 'trust statement',
): void {
  if (latest === undefined || issuedAt <= latest) return
  const [found, allowed] = [issuedAt, latest].map((time) => new Date(time).toISOString())
  throw new ProtocolError(
    'ISSUED_IN_THE_FUTURE',
    `found ${what} ${formatDocumentNumber(number)} issued at ${found}; allowed: until ${allowed}, which is now by this machine’s clock and authority.clock_skew: set the clocks of this machine and of the authority’s right`,
    // Not until when, which is another time at every look: whoever tells of each fault once goes by this.
    { data: { number, found: issuedAt } },
  )
}
