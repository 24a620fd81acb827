import { encodePins, pinOf, type Requirement } from '@datapunk/protocol'
import type { PinnedKey } from '../store/rows.ts'

/**
 * The section of the bundle: of each member every key with a certificate that is neither revoked nor ended, and every next one.
 *
 * @param keys in the order of services
 */
export function pinsSection(keys: readonly PinnedKey[], mode: Requirement): Uint8Array {
  const pins = new Map<string, string[]>()
  for (const { service, spkiHash } of keys) {
    const own = pins.get(service)
    if (own === undefined) pins.set(service, [pinOf(spkiHash)])
    else own.push(pinOf(spkiHash))
  }
  return encodePins(mode, pins)
}
