import type { DerReader } from '../der/reader.ts'
import type { DerWriter } from '../der/writer.ts'
import { type GeneralName, readGeneralName, writeUri } from './general-name.ts'

export interface AccessDescription {
  readonly method: string
  readonly location: GeneralName
}

export interface AuthorityInfoAccess {
  readonly descriptions: readonly AccessDescription[]
}

/**
 * ```
 * AuthorityInfoAccessSyntax ::= SEQUENCE SIZE (1..MAX) OF AccessDescription
 * AccessDescription ::= SEQUENCE { accessMethod OBJECT IDENTIFIER, accessLocation GeneralName }
 * ```
 * RFC 5280 §4.2.2.1.
 */
export function readAuthorityInfoAccess(der: DerReader): AuthorityInfoAccess {
  const descriptions = der.sequence((list) =>
    list.each((each) =>
      each.sequence((description) => ({ method: description.oid(), location: readGeneralName(description) })),
    ),
  )
  if (descriptions.length === 0) der.fail('an authority information access describes no access')
  return { descriptions }
}

/** @param descriptions the access method and the URI of each */
export function writeAuthorityInfoAccess(
  der: DerWriter,
  descriptions: readonly (readonly [method: string, uri: string])[],
): void {
  der.sequence(() => {
    for (const [method, uri] of descriptions) {
      der.sequence(() => {
        der.oid(method)
        writeUri(der, uri)
      })
    }
  })
}
