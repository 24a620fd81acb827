import { z } from 'zod'
import { ProtocolError } from './error.ts'

/**
 * A section as edits of an earlier one: JSON `{ edits: […] }`, each edit `[offset, length]` (bytes taken over from the
 * base) or text (put in). Whoever applies it checks the result by the digest in the signed head, so it needs no signature.
 */
type Edit = readonly [offset: number, length: number] | string

/** One member changed is two edits; a difference of more is not shorter than the section. */
const MAX_EDITS = 100_000

const schema = z.object({
  edits: z.array(z.union([z.tuple([z.int().min(0), z.int().min(1)]), z.string().min(1)])).max(MAX_EDITS),
})

/**
 * Sections are lines of UTF-8: what lines both have is taken over, the rest is put in.
 *
 * @returns undefined where the section itself would be as short
 */
export function sectionDifference(base: Uint8Array, next: Uint8Array): Uint8Array | undefined {
  const offsets = new Map<string, number>()
  for (const [line, offset] of linesOf(base)) offsets.set(line, offset)
  const edits: (string | [number, number])[] = []
  for (const [line] of linesOf(next)) {
    const offset = offsets.get(line)
    const last = edits.at(-1)
    const length = Buffer.byteLength(line)
    if (offset === undefined) {
      if (typeof last === 'string') edits[edits.length - 1] = last + line
      else edits.push(line)
    } else if (Array.isArray(last) && last[0] + last[1] === offset) last[1] += length
    else edits.push([offset, length])
  }
  if (edits.length > MAX_EDITS) return undefined
  const bytes = Buffer.from(JSON.stringify({ edits } satisfies z.input<typeof schema>))
  return bytes.byteLength < next.byteLength ? bytes : undefined
}

/**
 * @param size of the result, as the signed head names it, bytes
 * @throws ProtocolError `BUNDLE_INVALID`
 */
export function applySectionDifference(base: Uint8Array, difference: Uint8Array, size: number): Uint8Array {
  const result = Buffer.alloc(size)
  let at = 0
  for (const edit of parseEdits(difference)) {
    const bytes = typeof edit === 'string' ? Buffer.from(edit) : base.subarray(edit[0], edit[0] + edit[1])
    const whole = typeof edit === 'string' || bytes.byteLength === edit[1]
    if (!whole || at + bytes.byteLength > size) throw invalid('reaches beyond what it is a difference of')
    result.set(bytes, at)
    at += bytes.byteLength
  }
  if (at !== size) throw invalid(`makes ${at} bytes, not ${size}`)
  return result
}

function parseEdits(difference: Uint8Array): readonly Edit[] {
  try {
    return schema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(difference))).edits
  } catch (cause) {
    throw invalid('has another shape', cause)
  }
}

/** Each line with its newline, and where it begins, in bytes. */
function* linesOf(bytes: Uint8Array): Iterable<[line: string, offset: number]> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let start = 0; start < buffer.byteLength; ) {
    const newline = buffer.indexOf(10, start)
    const end = newline === -1 ? buffer.byteLength : newline + 1
    yield [buffer.toString('utf8', start, end), start]
    start = end
  }
}

function invalid(what: string, cause?: unknown): ProtocolError {
  return new ProtocolError('BUNDLE_INVALID', `the difference of a section ${what}`, { cause })
}
