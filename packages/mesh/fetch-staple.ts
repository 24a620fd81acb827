import { getOver } from './authority-request.ts'
import type { AuthorityRoute } from './authority-route.ts'
import type { Clock } from './clock.ts'

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
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const late = new AbortController()
  const cancel = clock.after(PATIENCE, () => late.abort(new Error(`no answer within ${PATIENCE} ms`)))
  const ending = AbortSignal.any([signal, late.signal])
  try {
    const { socket } = await route.connect(ending)
    const end = () => socket.destroy(ending.reason)
    ending.addEventListener('abort', end, { once: true })
    if (ending.aborted) end()
    ending.throwIfAborted()
    const { bytes } = await getOver(socket, `/staples/${serial}`, { maxBytes: MAX_STAPLE, clock })
    return bytes
  } finally {
    cancel()
  }
}
