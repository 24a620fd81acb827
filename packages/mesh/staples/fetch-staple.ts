import type { AuthorityRoute } from '../authority/authority-route.ts'
import { getWithin, type Within } from '../authority/get-within.ts'

/** Milliseconds: so long a start or a new pair waits for an authority that is silent. */
const PATIENCE = 3000

/** As much as `parseOcspResponse` reads. */
const MAX_STAPLE = 64 * 1024

/**
 * Asks the authority for the OCSP answer about a certificate.
 *
 * @param serial lowercase hex
 * @returns what it says, unchecked
 * @throws Error where there is none, or none in time
 */
export async function fetchStaple(
  route: AuthorityRoute,
  serial: string,
  within: Pick<Within, 'clock' | 'signal'>,
): Promise<Uint8Array> {
  const limits = { patience: PATIENCE, maxBytes: MAX_STAPLE }
  const { bytes } = await getWithin(route, `/staples/${serial}`, { ...within, ...limits })
  return bytes
}
