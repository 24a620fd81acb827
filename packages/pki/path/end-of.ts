/**
 * The first moment at which a certificate is valid no more: the period of validity includes all of the last second (RFC 5280
 * §4.1.2.5).
 *
 * @param notAfter milliseconds since the epoch, as is what is returned
 */
export function endOf(notAfter: number): number {
  return notAfter + 1000
}
