import type { DerReader } from '../der/reader.ts'
import { constructed, primitive } from '../der/tag.ts'
import { type DerWriter, encodeDer } from '../der/writer.ts'
import { readGeneralName, writeUri } from './general-name.ts'

/** Which of an issuer's certificates a list is about: those that name this place as their distribution point. */
export interface CrlScope {
  /** As the certificates' CRL distribution point has it, octet for octet. */
  readonly uri: string
  /** Left out where certificates of both kinds name the place. */
  readonly onlyContains?: 'user-certificates' | 'ca-certificates' | undefined
}

/** A scope as a list has it. */
export interface IssuingDistributionPoint {
  /** The whole value of the extension: scopes are the same when these octets are. */
  readonly der: Uint8Array
  readonly uris: readonly string[]
  readonly onlyContains: CrlScope['onlyContains']
}

/**
 * ```
 * IssuingDistributionPoint ::= SEQUENCE {
 *   distributionPoint [0] CHOICE { fullName [0] GeneralNames, nameRelativeToCRLIssuer [1] } OPTIONAL,
 *   onlyContainsUserCerts [1] BOOLEAN DEFAULT FALSE, onlyContainsCACerts [2] BOOLEAN DEFAULT FALSE,
 *   onlySomeReasons [3] OPTIONAL, indirectCRL [4] DEFAULT FALSE, onlyContainsAttributeCerts [5] DEFAULT FALSE }
 * ```
 * RFC 5280 §5.2.5. Lists of some reasons, of other issuers' or of attribute certificates are not processed, so [3] to [5]
 * fall to "bytes after the end".
 */
export function readIssuingDistributionPoint(der: DerReader): IssuingDistributionPoint {
  const { value, encoded } = der.kept((kept) =>
    kept.sequence((point) => {
      const names = point.optional(0, (name) =>
        name.inside(constructed(0), (all) => all.each(readGeneralName)),
      )
      if (names?.length === 0) point.fail('an issuing distribution point has no name')
      const users = point.booleanDefaultFalse(primitive(1))
      const authorities = point.booleanDefaultFalse(primitive(2))
      if (users && authorities) point.fail('a list contains only user certificates and only CA certificates')
      if (names === undefined && !users && !authorities) point.fail('an issuing distribution point is empty')
      return { names: names ?? [], onlyContains: onlyContains(users, authorities) }
    }),
  )
  const uris = value.names.flatMap((name) => (name.form === 'uri' ? [name.value] : []))
  return { der: encoded, uris, onlyContains: value.onlyContains }
}

/** @throws PkiError `NAME_INVALID` when the URI is empty or not printable ASCII */
export function writeIssuingDistributionPoint(der: DerWriter, { uri, onlyContains }: CrlScope): void {
  der.sequence(() => {
    der.explicit(0, () => der.inside(constructed(0), () => writeUri(der, uri)))
    if (onlyContains === 'user-certificates') der.booleanTrue(primitive(1))
    if (onlyContains === 'ca-certificates') der.booleanTrue(primitive(2))
  })
}

/** The octets that a list of this scope has. */
export function encodeScope(scope: CrlScope): Uint8Array {
  return encodeDer((der) => writeIssuingDistributionPoint(der, scope))
}

function onlyContains(users: boolean, authorities: boolean): CrlScope['onlyContains'] {
  return users ? 'user-certificates' : authorities ? 'ca-certificates' : undefined
}
