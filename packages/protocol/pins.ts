import { z } from 'zod'
import type { Requirement } from './config/config.ts'
import { ProtocolError } from './error.ts'
import { SERVICE_NAME } from './service-identity.ts'

/** The keys that the members of the mesh may show, as every peer knows them. */
export interface Pins {
  readonly mode: Requirement
  /** By service; each pin as in RFC 7469 2.4: base64 of the SHA-256 of the DER SubjectPublicKeyInfo. */
  readonly of: ReadonlyMap<string, ReadonlySet<string>>
}

/**
 * How many keys one service may have pinned. Each instance has two, and for a while those of certificates that have not ended
 * yet: so many are far beyond what one service needs.
 */
const MAX_PINS_OF_ONE = 100_000

/** The padding leaves two bits unused, which are zero: two texts are never one pin. */
const pin = z.string().regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/)

const schema = z.object({
  mode: z.enum(['report', 'required']),
  pins: z.record(z.string().regex(SERVICE_NAME), z.array(pin).max(MAX_PINS_OF_ONE)),
})

/** @param spkiHash SHA-256 of a DER SubjectPublicKeyInfo, lowercase hex, as `keyIdOf` gives it */
export function pinOf(spkiHash: string): string {
  return Buffer.from(spkiHash, 'hex').toString('base64')
}

/**
 * The section's bytes, a service a line, so that a change of one is a short difference; the same pins give the same bytes, in
 * whatever order they come.
 *
 * @param pins by service; one named twice is pinned once
 */
export function encodePins(mode: Requirement, pins: ReadonlyMap<string, Iterable<string>>): Uint8Array {
  const lines = [...pins]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([service, own]) => `${JSON.stringify(service)}:${JSON.stringify([...new Set(own)].sort())}`)
  return Buffer.from(`{"mode":${JSON.stringify(mode)},"pins":{\n${lines.join(',\n')}\n}}\n`)
}

/** @throws ProtocolError `BUNDLE_INVALID` */
export function parsePins(bytes: Uint8Array): Pins {
  try {
    const { mode, pins } = schema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
    return { mode, of: new Map(Object.entries(pins).map(([service, own]) => [service, new Set(own)])) }
  } catch (cause) {
    throw new ProtocolError('BUNDLE_INVALID', 'the section "pins" has another shape', { cause })
  }
}
