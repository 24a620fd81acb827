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
  return isAscii(octets) ? view(octets).toString('latin1') : undefined
}

/** UTF-8 text, or undefined when the octets are not valid UTF-8. */
export function utf8Text(octets: Uint8Array): string | undefined {
  return isUtf8(octets) ? view(octets).toString('utf8') : undefined
}

/** Lowercase hexadecimal, two digits per octet. */
export function hexText(octets: Uint8Array): string {
  return view(octets).toString('hex')
}

export function equalOctets(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && Buffer.compare(one, other) === 0
}

function view(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length)
}
