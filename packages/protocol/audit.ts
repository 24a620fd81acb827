import type { TreeRoot } from '@datapunk/tlog'
import { z } from 'zod'
import { ProtocolError } from './error.ts'

const schema = z.object({
  size: z.int().min(0),
  root: z.string().regex(/^[0-9a-f]{64}$/),
})

/** One line of two fields; what a later version adds has room. */
const MAX_BYTES = 1024

/** @param tree how many entries the authority's audit has, and the root of their Merkle tree (RFC 6962 2.1) */
export function encodeAudit({ size, root }: TreeRoot): Uint8Array {
  const section: z.input<typeof schema> = { size, root: Buffer.from(root).toString('hex') }
  return Buffer.from(`${JSON.stringify(section)}\n`)
}

/** @throws ProtocolError `BUNDLE_INVALID` */
export function parseAudit(bytes: Uint8Array): TreeRoot {
  try {
    if (bytes.byteLength > MAX_BYTES) throw new RangeError(`${bytes.byteLength} bytes`)
    const { size, root } = schema.parse(JSON.parse(Buffer.from(bytes).toString()))
    return { size, root: Buffer.from(root, 'hex') }
  } catch (cause) {
    throw new ProtocolError('BUNDLE_INVALID', 'the section "audit" has another shape', { cause })
  }
}
