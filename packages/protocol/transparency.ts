import { z } from 'zod'
import type { Requirement } from './config/config.ts'
import { ProtocolError } from './error.ts'

const schema = z.object({ scts: z.enum(['report', 'required']) })

/** @param transparency what peers do with a certificate without the word of a log that they trust */
export function encodeTransparency(transparency: Requirement): Uint8Array {
  return Buffer.from(`${JSON.stringify({ scts: transparency } satisfies z.input<typeof schema>)}\n`)
}

/** @throws ProtocolError `BUNDLE_INVALID` */
export function parseTransparency(bytes: Uint8Array): Requirement {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString())).scts
  } catch (cause) {
    throw new ProtocolError('BUNDLE_INVALID', 'the section "transparency" has another shape', { cause })
  }
}
