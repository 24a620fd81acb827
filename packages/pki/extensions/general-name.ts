import type { DerReader } from '../der/reader.ts'
import { constructed, primitive } from '../der/tag.ts'
import type { DerWriter } from '../der/writer.ts'
import { ipOctets } from '../ip-address.ts'
import { type Name, readName } from '../name.ts'
import { PkiError } from '../pki-error.ts'

/**
 * ```
 * GeneralName ::= CHOICE {
 *   otherName [0], rfc822Name [1] IA5String, dNSName [2] IA5String, x400Address [3],
 *   directoryName [4] Name, ediPartyName [5], uniformResourceIdentifier [6] IA5String,
 *   iPAddress [7] OCTET STRING, registeredID [8] OBJECT IDENTIFIER }
 * ```
 * RFC 5280 §4.2.1.6. Forms that are not used here are kept by their name only. A control character is refused: no DNS name, URI
 * or address may hold one, and whoever is shown it would take it for lines of ours.
 */
export type GeneralName =
  | { readonly form: 'email'; readonly value: string }
  | { readonly form: 'dns'; readonly value: string }
  | { readonly form: 'directory'; readonly value: Name }
  | { readonly form: 'uri'; readonly value: string }
  | { readonly form: 'ip'; readonly value: Uint8Array }
  | { readonly form: OtherForm; readonly value: undefined }

export type OtherForm = 'otherName' | 'x400Address' | 'ediPartyName' | 'registeredId'

export function readGeneralName(der: DerReader): GeneralName {
  for (const [tag, read] of forms) if (der.next(tag)) return read(der)
  return der.fail('a GeneralName is of no known form')
}

export function writeDnsName(der: DerWriter, name: string): void {
  der.ascii(ascii(name, 'DNS name'), primitive(2))
}

export function writeUri(der: DerWriter, uri: string): void {
  der.ascii(ascii(uri, 'URI'), primitive(6))
}

/** @param address in text form */
export function writeIpAddress(der: DerWriter, address: string): void {
  const octets = ipOctets(address)
  if (octets === undefined) {
    throw new PkiError('NAME_INVALID', `"${address}" is not an IPv4 or IPv6 address`, { found: address })
  }
  der.element(primitive(7), octets)
}

const forms: readonly (readonly [number, (der: DerReader) => GeneralName])[] = [
  [primitive(2), (der) => ({ form: 'dns', value: textOf(der, primitive(2)) })],
  [primitive(6), (der) => ({ form: 'uri', value: textOf(der, primitive(6)) })],
  [primitive(7), (der) => ({ form: 'ip', value: der.content(primitive(7)) })],
  // Name is a CHOICE, so its tag is EXPLICIT (X.680 §31.2.7).
  [constructed(4), (der) => ({ form: 'directory', value: der.inside(constructed(4), readName) })],
  [primitive(1), (der) => ({ form: 'email', value: textOf(der, primitive(1)) })],
  [constructed(0), (der) => skip(der, constructed(0), 'otherName')],
  [constructed(3), (der) => skip(der, constructed(3), 'x400Address')],
  [constructed(5), (der) => skip(der, constructed(5), 'ediPartyName')],
  [primitive(8), (der) => skip(der, primitive(8), 'registeredId')],
]

function textOf(der: DerReader, tag: number): string {
  const text = der.ia5String(tag)
  return /\p{Cc}/u.test(text) ? der.fail('a GeneralName holds a control character') : text
}

function skip(der: DerReader, tag: number, form: OtherForm): GeneralName {
  der.content(tag)
  return { form, value: undefined }
}

function ascii(text: string, what: string): string {
  if (/^[!-~]+$/.test(text)) return text
  throw new PkiError('NAME_INVALID', `the ${what} ${JSON.stringify(text)} is empty or not printable ASCII`, {
    found: text,
  })
}
