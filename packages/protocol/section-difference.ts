import { z } from 'zod'
import { ProtocolError } from './error.ts'

/**
 * A section as edits of an earlier one: JSON `{ edits: […] }`, each edit `[offset, length]` (bytes taken over from the
 * base) or text (put in; base64 where the difference says so). Whoever applies it checks the result by the digest in the
 * signed head, so it needs no signature.
 */
type Edit = [offset: number, length: number] | string

/** One member changed is two edits; a difference of more is not shorter than the section. */
const MAX_EDITS = 100_000

const schema = z.object({
  base64: z.literal(true).optional(),
  edits: z.array(z.union([z.tuple([z.int().min(0), z.int().min(1)]), z.string().min(1)])).max(MAX_EDITS),
})

/**
 * How a section differs from an earlier one of its kind. `members` and `pins` consist of lines in UTF-8, `revoked` of records of
 * 8 octets in ascending order. What both have is taken over, the rest is put in. Of `audit` nothing is ever taken over: it goes
 * along as a difference so that nobody has to ask for its one line.
 *
 * @returns undefined where the section itself would be as short
 */
export function sectionDifference(kind: string, base: Uint8Array, next: Uint8Array): Uint8Array | undefined {
  const difference =
    kind === 'revoked'
      ? { base64: true as const, edits: recordEdits(base, next) }
      : { edits: lineEdits(base, next) }
  if (difference.edits.length > MAX_EDITS) return undefined
  const bytes = Buffer.from(JSON.stringify(difference satisfies z.input<typeof schema>))
  return bytes.byteLength < next.byteLength || kind === 'audit' ? bytes : undefined
}

function lineEdits(base: Uint8Array, next: Uint8Array): Edit[] {
  const offsets = new Map<string, number>()
  for (const [line, offset] of linesOf(base)) offsets.set(line, offset)
  const edits: Edit[] = []
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
  return edits
}

/** Both in ascending order, so that one walk along the two finds what they share. */
function recordEdits(base: Uint8Array, next: Uint8Array): Edit[] {
  const [before, after] = [base, next].map(
    ({ buffer, byteOffset, byteLength }) => new DataView(buffer, byteOffset, byteLength),
  ) as [DataView, DataView]
  const edits: Edit[] = []
  let from = 0
  for (let at = 0; at < after.byteLength; ) {
    const order = from < before.byteLength ? compareRecords(before, from, after, at) : 1
    if (order < 0) from += RECORD
    else if (order > 0) {
      const start = at
      while (
        at < after.byteLength &&
        (from >= before.byteLength || compareRecords(before, from, after, at) > 0)
      )
        at += RECORD
      edits.push(Buffer.from(next.subarray(start, at)).toString('base64'))
    } else {
      const start = from
      while (
        from < before.byteLength &&
        at < after.byteLength &&
        compareRecords(before, from, after, at) === 0
      ) {
        from += RECORD
        at += RECORD
      }
      edits.push([start, from - start])
    }
  }
  return edits
}

const RECORD = 8

function compareRecords(a: DataView, atA: number, b: DataView, atB: number): number {
  return a.getUint32(atA) - b.getUint32(atB) || a.getUint32(atA + 4) - b.getUint32(atB + 4)
}

/**
 * @param size of the result, as the signed head names it, bytes
 * @throws ProtocolError `BUNDLE_INVALID`
 */
export function applySectionDifference(base: Uint8Array, difference: Uint8Array, size: number): Uint8Array {
  const result = Buffer.alloc(size)
  let at = 0
  const { edits, base64 } = parseDifference(difference)
  const encoding = base64 ? 'base64' : 'utf8'
  for (const edit of edits) {
    const bytes =
      typeof edit === 'string' ? Buffer.from(edit, encoding) : base.subarray(edit[0], edit[0] + edit[1])
    const whole = typeof edit === 'string' || bytes.byteLength === edit[1]
    if (!whole || at + bytes.byteLength > size) throw invalid('reaches beyond what it is a difference of')
    result.set(bytes, at)
    at += bytes.byteLength
  }
  if (at !== size) throw invalid(`makes ${at} bytes, not ${size}`)
  return result
}

function parseDifference(difference: Uint8Array): z.output<typeof schema> {
  try {
    return schema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(difference)))
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
