import { latin1Text } from './octets.ts'
import { PkiError } from './pki-error.ts'

/** What one PEM text may cost. */
const pemBudget = {
  /** Bytes of text. Ours: five times the 225 kB of the public web's whole root store. */
  bytes: 0x10_0000,
  /** Blocks in one text. Ours: the same store holds about 150. */
  blocks: 1000,
} as const

/**
 * One PEM block (RFC 7468 §3, strict form): 64 characters a line, a newline at the end.
 *
 * @param label for example `CERTIFICATE`, `CERTIFICATE REQUEST`, `PRIVATE KEY`
 */
export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.length).toString('base64')
  const lines = base64.match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/**
 * The contents of every block of a PEM text, in order. All blocks must bear `label`, and there must be one at
 * least. Text between the blocks is allowed (RFC 7468 §5.2) and ignored; headers inside a block (RFC 1421)
 * are not.
 *
 * @param text ASCII; LF or CRLF; at most `maxBytes` (1 MiB unless told)
 * @throws PkiError `PEM_INVALID` with `data.line`
 */
export function decodePem(
  text: string | Uint8Array,
  label: string,
  maxBytes: number = pemBudget.bytes,
): Uint8Array[] {
  if (text.length > maxBytes) refuse(1, `the text is ${text.length} bytes long; at most ${maxBytes} are read`)
  const lines = (typeof text === 'string' ? text : latin1Text(text)).split('\n')
  const blocks: Uint8Array[] = []
  let begun: number | undefined
  for (const [index, lineWithReturn] of lines.entries()) {
    const line = lineWithReturn.endsWith('\r') ? lineWithReturn.slice(0, -1) : lineWithReturn
    const boundary = /^-----(BEGIN|END) ([^-]*)-----$/.exec(line)
    if (boundary === null) {
      if (line.startsWith('-----')) refuse(index + 1, 'a boundary is not whole')
      continue
    }
    const [, edge, found] = boundary
    if (found !== label) refuse(index + 1, `found a block of "${found}"; only "${label}" is expected here`)
    if ((edge === 'BEGIN') === (begun !== undefined)) refuse(index + 1, `${edge} stands where it can't`)
    if (edge === 'BEGIN') {
      begun = index + 1
    } else {
      blocks.push(decodeBody(lines.slice(begun, index), begun as number))
      begun = undefined
    }
    if (blocks.length > pemBudget.blocks) refuse(index + 1, `more than ${pemBudget.blocks} blocks`)
  }
  if (begun !== undefined) refuse(begun, `the block has no END ${label}; is the file cut off?`)
  if (blocks.length === 0) refuse(1, `no block "${label}" was found`)
  return blocks
}

function decodeBody(lines: readonly string[], firstLine: number): Uint8Array {
  const body = lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  // RFC 7468 §2 wants 64 characters a line; RFC 2045 §6.8 tools write 76.
  const long = body.findIndex((line) => line.length > 76)
  if (long >= 0) refuse(firstLine + long + 1, 'a line is longer than 76 characters')
  const foreign = body.findIndex((line) => !/^[A-Za-z0-9+/]*={0,2}$/.test(line))
  if (foreign >= 0) refuse(firstLine + foreign + 1, 'a line holds something other than base64')
  const base64 = body.join('')
  const octets = Buffer.from(base64, 'base64')
  // Re-encoding finds wrong padding, padding in the middle, and bits left over.
  if (octets.length === 0 || octets.toString('base64') !== base64) {
    refuse(firstLine, 'the base64 of the block is cut off or not canonical')
  }
  return new Uint8Array(octets)
}

function refuse(line: number, reason: string): never {
  throw new PkiError('PEM_INVALID', `${reason} (line ${line} of the PEM text)`, { reason, line })
}
