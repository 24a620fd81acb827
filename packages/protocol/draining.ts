import { z } from 'zod'
import { ProtocolError } from './error.ts'

const schema = z.object({ issuers: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(64) })

/** @param issuers issuing CAs on their way out, by the `keyIdOf` of their keys */
export function encodeDraining(issuers: Iterable<string>): Uint8Array {
  return Buffer.from(`${JSON.stringify({ issuers: [...issuers].sort() } satisfies z.input<typeof schema>)}\n`)
}

/** @throws ProtocolError `BUNDLE_INVALID` */
export function parseDraining(bytes: Uint8Array): ReadonlySet<string> {
  try {
    return new Set(schema.parse(JSON.parse(Buffer.from(bytes).toString())).issuers)
  } catch (cause) {
    throw new ProtocolError('BUNDLE_INVALID', 'the section "draining" has another shape', { cause })
  }
}
