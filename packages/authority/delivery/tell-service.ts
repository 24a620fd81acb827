import { addressText, speaksPostgres } from '@datapunk/protocol'
import type { Handover } from '../engine/handover.ts'
import { AuthorityError } from '../error.ts'
import { runReload } from './reload.ts'
import { shownSerial } from './shown-certificate.ts'

export interface TellServiceOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Tells a service that its files have changed, and, where it has an address, looks whether it shows the new certificate.
 *
 * @throws AuthorityError `RELOAD_FAILED`
 * @throws the reason of `signal`, when that ends it
 */
export async function tellService(
  handover: Handover,
  { environment, clock, signal }: TellServiceOptions,
): Promise<void> {
  const { service, reload, files, address, serial } = handover
  await runReload(reload, files, { service, environment, clock, signal })
  if (address?.port === undefined) return
  const { host, port } = address
  const place = addressText(host, port)
  const found = await shownSerial({ host, port }, serial, { isPostgres: speaksPostgres(reload), signal })
  if (found === serial) return
  throw new AuthorityError(
    'RELOAD_FAILED',
    `${service} was told that its files have changed, and ${found === undefined ? `shows no certificate at ${place}` : `still shows the certificate ${found} at ${place}`}; allowed: ${serial}. See what services.${service}.reload does, and what services.${service}.address says`,
    { data: { service, setting: `services.${service}.reload`, found, allowed: serial } },
  )
}
