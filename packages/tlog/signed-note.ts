import { isUtf8 } from 'node:buffer'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { TlogError } from './tlog-error.ts'

/** The key that signed a note: its name and its ID together. */
export interface NoteKey {
  readonly name: string
  /** 32 bits, unsigned. */
  readonly id: number
}

export interface NoteSignature extends NoteKey {
  /** What the key's type of signature makes of the text. */
  readonly body: Uint8Array
}

/** A known key, and how to check what it signed. */
export interface NoteVerifier extends NoteKey {
  /** Whether the body is the key's signature of the text. */
  readonly verify: (text: string, body: Uint8Array) => boolean
}

/** A note of which every signature by a known key was checked. */
export interface OpenedNote {
  readonly text: string
  /** Those of known keys, in the order of the note; one at least. */
  readonly signatures: readonly NoteSignature[]
}

/** What one note may cost. */
const noteBudget = {
  /** Octets. Ours: twice what 16 signatures of nearly 5 kB take in base64, and 16 must be accepted. */
  octets: 0x4_0000,
  /** Signatures. Ours: a log has its own and those of some witnesses. */
  signatures: 100,
} as const

/**
 * The note of a text with its signatures.
 *
 * @param text ends with a newline, and has no other control character
 * @throws RangeError the text or a key's name can't be in a note, or there is no signature
 * @see C2SP signed-note, "Format"
 */
export function signNote(text: string, signatures: readonly NoteSignature[]): Uint8Array {
  if (!text.endsWith('\n') || control.test(text))
    throw new RangeError('the text of a note ends with a newline, and has no other controls')
  if (signatures.length === 0) throw new RangeError('a note has a signature at least')
  return Buffer.from(`${text}\n${signatures.map(signatureLine).join('')}`)
}

/**
 * Reads a note and checks it. Signatures of unknown keys are ignored; one by a known key that is wrong refuses the
 * whole note, and so does it to have none by a known key.
 *
 * @throws TlogError `NOTE_INVALID` the note has not the form of one; `NOTE_SIGNATURE_INVALID`
 * @see C2SP signed-note
 */
export function openNote(octets: Uint8Array, verifiers: readonly NoteVerifier[]): OpenedNote {
  const { text, signatures } = parseNote(octets)
  const known = signatures.flatMap((signature) => {
    const verifier = verifiers.find(({ name, id }) => name === signature.name && id === signature.id)
    if (verifier === undefined) return []
    if (!verifier.verify(text, signature.body)) refuseSignature(`the one by ${signature.name} is wrong`)
    return [signature]
  })
  if (known.length === 0) refuseSignature(`none is by ${verifiers.map(({ name }) => name).join(' or ')}`)
  return { text, signatures: known }
}

function parseNote(octets: Uint8Array): OpenedNote {
  if (octets.length > noteBudget.octets)
    refuse(`it is ${octets.length} octets long; at most ${noteBudget.octets} are read`)
  if (!isUtf8(octets)) refuse('it is not valid UTF-8')
  const note = decoder.decode(octets)
  if (control.test(note)) refuse('it has control characters')
  const blank = note.lastIndexOf('\n\n')
  if (blank === -1) refuse('no empty line parts its text from signatures')
  if (!note.endsWith('\n')) refuse('its last line is cut off')
  const lines = note.slice(blank + 2, -1).split('\n', noteBudget.signatures + 1)
  if (lines.length > noteBudget.signatures) refuse(`it has more than ${noteBudget.signatures} signatures`)
  return { text: note.slice(0, blank + 1), signatures: lines.map(parseSignatureLine) }
}

/** A byte order mark is a character like others. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Any under U+0020 but the newline. */
const control = /[\x00-\x09\x0b-\x1f]/
// — <key name> <base64 of the key ID and the body>
const lineGrammar = /^\u2014 ([^\p{White_Space}+]+) ([A-Za-z0-9+/]+={0,2})$/u
const nameGrammar = /^[^\p{White_Space}\x00-\x1f+]+$/u
const ID_OCTETS = 4

function signatureLine({ name, id, body }: NoteSignature): string {
  if (!nameGrammar.test(name))
    throw new RangeError(`${JSON.stringify(name)} can't be the name of a note's key`)
  const idOctets = Buffer.alloc(ID_OCTETS)
  idOctets.writeUInt32BE(id)
  return `\u2014 ${name} ${encodeBase64(Buffer.concat([idOctets, body]))}\n`
}

function parseSignatureLine(line: string): NoteSignature {
  const [, name, base64] = lineGrammar.exec(line) ?? []
  const octets = base64 === undefined ? undefined : decodeBase64(base64)
  if (name === undefined || octets === undefined || octets.length <= ID_OCTETS)
    return refuse('a line after its text is no signature')
  return { name, id: Buffer.from(octets).readUInt32BE(), body: octets.subarray(ID_OCTETS) }
}

function refuse(why: string): never {
  throw new TlogError('NOTE_INVALID', `a signed note can't be read: ${why}`)
}

function refuseSignature(why: string): never {
  throw new TlogError('NOTE_SIGNATURE_INVALID', `a note is refused for its signatures: ${why}`)
}
