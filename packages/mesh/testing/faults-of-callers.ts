import { badCertificates, type Fault } from '@datapunk/testkit'
import type { Rule } from '../index.ts'

/** The faults that callers can have, and the rule where it is always the same whoever looks first, OpenSSL or we. */
export const faultsOfCallers: Partial<Record<Fault, Rule | null>> = {
  ...Object.fromEntries(Object.keys(badCertificates).map((name) => [name, null])),
  caLeaf: 'LEAF_IS_CA',
  commonNameAndUriOnly: 'NAME_MISSING',
  commonNameOnly: 'NAME_MISSING',
  expired: 'CERTIFICATE_EXPIRED',
  foreignCa: 'ISSUER_UNKNOWN',
  noExtendedKeyUsage: 'EXTENDED_KEY_USAGE_MISSING',
  noName: 'NAME_MISSING',
  noUri: 'SPIFFE_ID_INVALID',
  notYetValid: 'CERTIFICATE_NOT_YET_VALID',
  selfSigned: 'ISSUER_UNKNOWN',
  twoUris: 'SPIFFE_ID_INVALID',
  wildcardName: 'NAME_NOT_LISTED',
  wrongCountry: 'SUBJECT_NOT_ACCEPTED',
  wrongName: 'NOT_A_MEMBER',
  wrongOrganization: 'SUBJECT_NOT_ACCEPTED',
}
