import { isAscii, isUtf8 } from 'node:buffer'

/**
 * Octets as text, one character per octet: exact for ASCII, and how TeletexString is read (X.690 §8.23, as
 * others do).
 */
export function latin1Text(octets: Uint8Array): string {
  return view(octets).toString('latin1')
}

/** ASCII text, or undefined when an octet is over 7F. */
export function asciiText(octets: Uint8Array): string | undefined {
  return isAscii(octets) ? decoder.decode(octets) : undefined
}

/** UTF-8 text, or undefined when the octets are not valid UTF-8. */
export function utf8Text(octets: Uint8Array): string | undefined {
  return isUtf8(octets) ? decoder.decode(octets) : undefined
}

/** Faster than a Buffer over the octets. A byte order mark is a character like others. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Lowercase hexadecimal, two digits per octet. */
export function hexText(octets: Uint8Array): string {
  return view(octets).toString('hex')
}

export function equalOctets(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  // What is compared here is short: a call of Buffer.compare would cost more.
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false
  return true
}

/** The same for what is long. */
export function equalLongOctets(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && view(one).equals(other)
}

function view(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length)
}
