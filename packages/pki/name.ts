import type { DerReader } from './der/reader.ts'
import { tag } from './der/tag.ts'
import { encodeDer } from './der/writer.ts'
import { asciiText, equalOctets, hexText, latin1Text, utf8Text } from './octets.ts'
import { oids } from './oids.ts'
import { PkiError } from './pki-error.ts'

/** `AttributeTypeAndValue`. `value` is undefined for types that hold no text. */
export interface NameAttribute {
  readonly type: string
  readonly tag: number
  readonly value: string | undefined
  /** The whole value element, as signed. */
  readonly encoded: Uint8Array
}

/** `RelativeDistinguishedName`: almost always of one attribute. */
export type RelativeName = readonly NameAttribute[]

/**
 * A distinguished name as it was signed. Empty names are names too; who may have one is decided elsewhere.
 */
export class Name {
  readonly der: Uint8Array
  readonly relativeNames: readonly RelativeName[]

  constructor(der: Uint8Array, relativeNames: readonly RelativeName[]) {
    this.der = der
    this.relativeNames = relativeNames
  }

  get isEmpty(): boolean {
    return this.relativeNames.length === 0
  }

  /** The most specific common name. Shown to people, never matched (RFC 9525 §2). */
  get commonName(): string | undefined {
    return this.valuesOf(oids.commonName).at(-1)
  }

  get organization(): string[] {
    return this.valuesOf(oids.organizationName)
  }

  get organizationalUnit(): string[] {
    return this.valuesOf(oids.organizationalUnitName)
  }

  get country(): string[] {
    return this.valuesOf(oids.countryName)
  }

  valuesOf(type: string): string[] {
    const values: string[] = []
    for (const relativeName of this.relativeNames) {
      for (const attribute of relativeName) {
        if (attribute.type === type && attribute.value !== undefined) values.push(attribute.value)
      }
    }
    return values
  }

  /** The same octets: how issuer and subject are chained here, which is stricter than RFC 5280 §7.1. */
  equals(other: Name): boolean {
    return equalOctets(this.der, other.der)
  }

  /**
   * RFC 4514: most specific first, `CN=lake.service.datapunk,O=Datapunk,C=US`. Control characters are
   * escaped.
   */
  toString(): string {
    return this.relativeNames
      .toReversed()
      .map((relativeName) => relativeName.map(attributeText).join('+'))
      .join(',')
  }
}

/**
 * ```
 * Name ::= CHOICE { rdnSequence SEQUENCE OF RelativeDistinguishedName }
 * RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
 * AttributeTypeAndValue ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY }
 * ```
 * RFC 5280 §4.1.2.4.
 */
export function readName(der: DerReader): Name {
  const { value, encoded } = der.kept(readRelativeNames)
  return new Name(encoded, value)
}

/** What a subject of ours is made of, written in the order C, O, CN. */
export interface NameParts {
  readonly commonName?: string | undefined
  readonly organization?: string | undefined
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country?: string | undefined
}

/**
 * @returns the DER of a `Name`
 * @throws PkiError `NAME_INVALID` when a part is empty, too long (RFC 5280 appendix A.1 upper bounds, in
 *   characters) or a country is not two capital letters
 */
export function encodeName(parts: NameParts): Uint8Array {
  const { commonName, organization, country } = parts
  if (country !== undefined && !/^[A-Z]{2}$/.test(country)) {
    throw new PkiError(
      'NAME_INVALID',
      `country "${country}" is not two capital letters (ISO 3166-1), as in "US"`,
      {
        attribute: 'country',
        found: country,
      },
    )
  }
  if (organization !== undefined) checkLength('organization', organization)
  if (commonName !== undefined) checkLength('commonName', commonName)
  return encodeDer((der) => {
    const attribute = (type: string, text: string, form: number = tag.utf8String): void =>
      der.set(() =>
        der.sequence(() => {
          der.oid(type)
          der.utf8(text, form)
        }),
      )
    der.sequence(() => {
      if (country !== undefined) attribute(oids.countryName, country, tag.printableString)
      if (organization !== undefined) attribute(oids.organizationName, organization)
      if (commonName !== undefined) attribute(oids.commonName, commonName)
    })
  })
}

/** `ub-common-name` and `ub-organization-name`, in characters. */
const upperBound = 64

/** Whether text is short enough for a common name or an organization. It never has more characters than code units. */
export function fitsUpperBound(text: string): boolean {
  return text.length <= upperBound || [...text].length <= upperBound
}

function checkLength(attribute: string, value: string): void {
  if (value !== '' && fitsUpperBound(value) && value.isWellFormed()) return
  const { length } = [...value]
  throw new PkiError(
    'NAME_INVALID',
    `${attribute} of ${length} characters was given; 1 to ${upperBound} are allowed (RFC 5280 appendix A.1)`,
    { attribute, found: length, allowed: upperBound },
  )
}

function readRelativeNames(der: DerReader): RelativeName[] {
  return der.sequenceOf(readRelativeName)
}

function readRelativeName(der: DerReader): RelativeName {
  return der.setOf(readAttribute)
}

function readAttribute(der: DerReader): NameAttribute {
  return der.sequence((attribute) => {
    const type = attribute.oid()
    const { tag: found, content, encoded } = attribute.any()
    const decode = textDecoders.get(found)
    if (decode === undefined) return { type, tag: found, value: undefined, encoded }
    const value = decode(content)
    if (value === undefined || value === '')
      attribute.fail('the text of a name is empty or breaks the rules of its type')
    return { type, tag: found, value, encoded }
  })
}

/** DirectoryString (RFC 5280 §4.1.2.4) and the other string types of the attributes in appendix A.1. */
const textDecoders = new Map<number, (content: Uint8Array) => string | undefined>([
  [tag.utf8String, utf8Text],
  [tag.printableString, printableText],
  [tag.ia5String, asciiText],
  [tag.numericString, (content) => matching(content, /^[0-9 ]*$/)],
  [tag.visibleString, (content) => matching(content, /^[ -~]*$/)],
  [tag.teletexString, latin1Text],
  [tag.bmpString, bmpText],
  [tag.universalString, universalText],
])

/** X.680 §41.4 table 10. */
function printableText(content: Uint8Array): string | undefined {
  return matching(content, /^[A-Za-z0-9 '()+,\-./:=?]*$/)
}

function matching(content: Uint8Array, allowed: RegExp): string | undefined {
  const text = asciiText(content)
  return text !== undefined && allowed.test(text) ? text : undefined
}

function bmpText(content: Uint8Array): string | undefined {
  if (content.length % 2 !== 0) return undefined
  const text = Buffer.from(content).swap16().toString('utf16le')
  return text.isWellFormed() ? text : undefined
}

function universalText(content: Uint8Array): string | undefined {
  if (content.length % 4 !== 0) return undefined
  const octets = Buffer.from(content)
  let text = ''
  for (let at = 0; at < octets.length; at += 4) {
    const point = octets.readUInt32BE(at)
    if (point > 0x10ffff) return undefined
    text += String.fromCodePoint(point)
  }
  return text.isWellFormed() ? text : undefined
}

/** RFC 4514 §3, and the short names most tools print. */
const shortNames: ReadonlyMap<string, string> = new Map([
  [oids.commonName, 'CN'],
  [oids.localityName, 'L'],
  [oids.stateOrProvinceName, 'ST'],
  [oids.organizationName, 'O'],
  [oids.organizationalUnitName, 'OU'],
  [oids.countryName, 'C'],
  [oids.streetAddress, 'STREET'],
  [oids.domainComponent, 'DC'],
  [oids.userId, 'UID'],
  [oids.emailAddress, 'emailAddress'],
  [oids.serialNumber, 'serialNumber'],
])

function attributeText({ type, value, encoded }: NameAttribute): string {
  const shortName = shortNames.get(type)
  if (shortName === undefined || value === undefined) return `${type}=#${hexText(encoded)}`
  return `${shortName}=${escapeValue(value)}`
}

/** RFC 4514 §2.4; control characters too, because names are printed on terminals. */
function escapeValue(value: string): string {
  return value
    .replace(/[\\",+;<>]/g, (character) => `\\${character}`)
    .replace(/^[ #]| $/g, (character) => `\\${character}`)
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) =>
      [...Buffer.from(character)].map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join(''),
    )
}
