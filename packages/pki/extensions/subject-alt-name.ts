import type { DerReader } from '../der/reader.ts'
import type { DerWriter } from '../der/writer.ts'
import { ipText } from '../ip-address.ts'
import type { Name } from '../name.ts'
import {
  type GeneralName,
  type OtherForm,
  readGeneralName,
  writeDnsName,
  writeIpAddress,
  writeUri,
} from './general-name.ts'

export interface SubjectAltName {
  /** Every name, in the order of the certificate. */
  readonly names: readonly GeneralName[]
  readonly dnsNames: readonly string[]
  readonly uris: readonly string[]
  /** In text form (RFC 5952). */
  readonly ipAddresses: readonly string[]
  readonly emailAddresses: readonly string[]
  readonly directoryNames: readonly Name[]
  readonly otherForms: readonly OtherForm[]
}

/** `SubjectAltName ::= GeneralNames ::= SEQUENCE SIZE (1..MAX) OF GeneralName`, RFC 5280 §4.2.1.6. */
export function readSubjectAltName(der: DerReader): SubjectAltName {
  const names = der.sequenceOf(readGeneralName)
  if (names.length === 0) der.fail('a subject alternative name holds no name')
  const sorted = {
    names,
    dnsNames: [] as string[],
    uris: [] as string[],
    ipAddresses: [] as string[],
    emailAddresses: [] as string[],
    directoryNames: [] as Name[],
    otherForms: [] as OtherForm[],
  }
  for (const name of names) {
    if (name.form === 'dns') sorted.dnsNames.push(name.value)
    else if (name.form === 'uri') sorted.uris.push(name.value)
    else if (name.form === 'email') sorted.emailAddresses.push(name.value)
    else if (name.form === 'directory') sorted.directoryNames.push(name.value)
    else if (name.form !== 'ip') sorted.otherForms.push(name.form)
    else sorted.ipAddresses.push(ipText(name.value) ?? der.fail('an iPAddress is not of 4 or 16 octets'))
  }
  return sorted
}

/** Names to write: DNS names first, then URIs, then addresses in text form. */
export interface AltNames {
  readonly dnsNames?: readonly string[]
  readonly uris?: readonly string[]
  readonly ipAddresses?: readonly string[]
}

export function writeSubjectAltName(der: DerWriter, { dnsNames, uris, ipAddresses }: AltNames): void {
  der.sequence(() => {
    for (const name of dnsNames ?? []) writeDnsName(der, name)
    for (const uri of uris ?? []) writeUri(der, uri)
    for (const address of ipAddresses ?? []) writeIpAddress(der, address)
  })
}
