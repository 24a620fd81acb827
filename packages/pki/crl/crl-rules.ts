import type { TbsCertificate } from '../certificate.ts'
import type { RevocationReason } from '../extensions/reason-code.ts'
import { keyAlgorithms } from '../keys/key-algorithm.ts'
import { equalOctets } from '../octets.ts'
import { isAbsoluteUri } from '../uri-host.ts'
import type { TbsCrl } from './crl.ts'

/** One rule that a list keeps or breaks. */
export interface CrlRule {
  readonly name: string
  /** Where the rule stands. */
  readonly source: string
  /** @returns what is wrong, as a sentence without a full stop; undefined where the rule is kept */
  check(crl: TbsCrl, issuer: TbsCertificate): string | undefined
}

/** Why a leaf is revoked; `removeFromCRL` takes a revocation back. */
const reasonsOfLeaves: ReadonlySet<RevocationReason> = new Set([
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
  'removeFromCRL',
])

/** What a list of ours keeps beyond what it takes to be read at all. */
export const crlRules: readonly CrlRule[] = [
  {
    name: 'issuer-is-the-issuers-subject',
    source: 'RFC 5280 §5.1.2.3',
    check: (crl, issuer) =>
      crl.issuer.equals(issuer.subject) && !crl.issuer.isEmpty
        ? undefined
        : `its issuer ${crl.issuer} is empty or not, octet for octet, the subject ${issuer.subject}`,
  },
  {
    name: 'authority-key-identifier-is-the-issuers',
    source: 'RFC 5280 §5.2.1',
    check(crl, issuer) {
      const found = issuer.extensions.subjectKeyIdentifier?.keyIdentifier
      return found !== undefined && equalOctets(crl.authorityKeyIdentifier, found)
        ? undefined
        : "its authority key identifier is not its issuer's subject key identifier"
    },
  },
  {
    name: 'signature-algorithm-is-the-issuers',
    source: 'RFC 5280 §5.1.1.2',
    check: (crl, { keyAlgorithm }) =>
      keyAlgorithm !== undefined &&
      equalOctets(crl.signatureAlgorithm, keyAlgorithms[keyAlgorithm].signatureIdentifier)
        ? undefined
        : `its signature algorithm is not the one that a key of kind ${keyAlgorithm} makes`,
  },
  {
    name: 'issuer-signs-lists',
    source: 'RFC 5280 §4.2.1.3',
    check: (_, { extensions }) =>
      extensions.basicConstraints?.ca === true && extensions.keyUsage?.usages.has('cRLSign') === true
        ? undefined
        : 'its issuer is no CA whose key usage has cRLSign',
  },
  {
    name: 'updates-are-in-order',
    source: 'RFC 5280 §5.1.2.5',
    check: ({ thisUpdate, nextUpdate }) =>
      thisUpdate < nextUpdate ? undefined : 'its next update is not after this one',
  },
  {
    name: 'base-is-before-the-delta',
    source: 'RFC 5280 §5.2.4',
    check: ({ base, number }) =>
      base === undefined || base < number ? undefined : `its base ${base} is not below its number ${number}`,
  },
  {
    name: 'no-revocation-is-after-this-update',
    source: 'RFC 5280 §5.1.2.4, §5.1.2.6',
    check: ({ entries, thisUpdate }) =>
      entries.latest <= thisUpdate ? undefined : 'it has a revocation that is later than its own time',
  },
  {
    name: 'places-are-http-uris',
    source: 'RFC 5280 §4.2.1.13, §5.2.5',
    check({ scope, freshest }) {
      const places = [...(scope?.uris ?? []), ...freshest]
      const other = places.find((uri) => !isAbsoluteUri(uri) || !uri.startsWith('http://'))
      return other === undefined ? undefined : `${JSON.stringify(other)} is no http URI`
    },
  },
  {
    name: 'reasons-are-for-the-scope',
    source: 'BR 7.2.2',
    check({ entries, scope }) {
      if (scope?.onlyContains !== 'user-certificates') return undefined
      const other = [...entries.reasons].find((reason) => !reasonsOfLeaves.has(reason))
      return other && `it revokes a leaf for the reason ${other}`
    },
  },
]
