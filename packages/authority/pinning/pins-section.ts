import { encodePins, pinOf, type Requirement } from '@datapunk/protocol'
import type { Reader } from '../store/contract.ts'

/**
 * The section of the bundle: of each member every key with a certificate that is neither revoked nor ended, and every next one.
 *
 * @param after a certificate that has ended by then is pinned no more, milliseconds since the epoch
 */
export function pinsSection(reader: Reader, mode: Requirement, after: number): Uint8Array {
  const pins = new Map<string, string[]>()
  for (const { service, spkiHash } of reader.pinnedKeys(after)) {
    const own = pins.get(service)
    if (own === undefined) pins.set(service, [pinOf(spkiHash)])
    else own.push(pinOf(spkiHash))
  }
  return encodePins(mode, pins)
}
