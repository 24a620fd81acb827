import { type DerReader, readDer } from '../der/reader.ts'
import { constructed } from '../der/tag.ts'
import { encodeDer } from '../der/writer.ts'
import { readExtension } from '../extensions/extensions.ts'
import { oids } from '../oids.ts'
import { PkiError } from '../pki-error.ts'

/**
 * The `TBSCertificate` of a precertificate as its log signs it: without the poison (RFC 6962 §3.2).
 *
 * @param tbs DER `TBSCertificate`
 * @throws PkiError `CERTIFICATE_MALFORMED` when there is no poison, or nothing but the poison; `DER_INVALID`
 */
export function withoutPoison(tbs: Uint8Array): Uint8Array {
  return withoutExtension(tbs, oids.poison)
}

/**
 * The `TBSCertificate` of a final certificate as its logs signed it: without the list of SCTs (RFC 6962 §3.2).
 *
 * @param tbs DER `TBSCertificate`
 * @throws PkiError `CERTIFICATE_MALFORMED` when there is no list of SCTs, or nothing but it; `DER_INVALID`
 */
export function withoutSctList(tbs: Uint8Array): Uint8Array {
  return withoutExtension(tbs, oids.scts)
}

/**
 * The same `TBSCertificate` with one extension more, the last. What stands there stays as it is, octet for octet, but
 * for the lengths around the extensions.
 *
 * @param tbs DER `TBSCertificate` with at least one extension
 * @param extension DER `Extension`
 * @throws PkiError `CERTIFICATE_MALFORMED`, `DER_INVALID`
 */
export function withExtension(tbs: Uint8Array, extension: Uint8Array): Uint8Array {
  const { before, extensions } = readDer(tbs, readParts)
  return encodeParts(before, [...extensions.map(({ encoded }) => encoded), extension])
}

function withoutExtension(tbs: Uint8Array, oid: string): Uint8Array {
  const { before, extensions } = readDer(tbs, readParts)
  const rest = extensions.filter((each) => each.oid !== oid)
  if (rest.length !== extensions.length - 1)
    throw malformed(`it has ${extensions.length - rest.length} extensions ${oid}, not one`)
  if (rest.length === 0) throw malformed(`it has no extension but ${oid}`)
  return encodeParts(
    before,
    rest.map(({ encoded }) => encoded),
  )
}

/** A `TBSCertificate` cut where its extensions begin and between them; nothing is copied. */
interface TbsParts {
  /** Content octets of everything before the extensions. */
  readonly before: Uint8Array
  readonly extensions: readonly { readonly oid: string; readonly encoded: Uint8Array }[]
}

/** `TBSCertificate ::= SEQUENCE { … , extensions [3] EXPLICIT SEQUENCE OF Extension }`, RFC 5280 §4.1. */
function readParts(der: DerReader): TbsParts {
  return der.sequence((tbs) => {
    const { encoded: before } = tbs.kept((fields) => {
      while (!fields.finished && !fields.next(constructed(3))) fields.any()
    })
    const extensions = tbs.optional(3, (list) =>
      list.sequenceOf((each) => {
        const { value, encoded } = each.kept(readExtension)
        return { oid: value.oid, encoded }
      }),
    )
    if (extensions === undefined) throw malformed('it has no extensions')
    return { before, extensions }
  })
}

function encodeParts(before: Uint8Array, extensions: readonly Uint8Array[]): Uint8Array {
  return encodeDer((der) =>
    der.sequence(() => {
      der.raw(before)
      der.explicit(3, () =>
        der.sequence(() => {
          for (const each of extensions) der.raw(each)
        }),
      )
    }),
  )
}

function malformed(reason: string): PkiError {
  return new PkiError('CERTIFICATE_MALFORMED', `the certificate is malformed: ${reason}`, { reason })
}
