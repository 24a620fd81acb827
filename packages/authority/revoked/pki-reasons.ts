import type { RevocationReason as PkiReason } from '@datapunk/pki'
import type { RevocationReason } from '../store/rows.ts'

/** As lists and OCSP answers name what is on record. */
export const PKI_REASONS = {
  unspecified: 'unspecified',
  'key-compromise': 'keyCompromise',
  'ca-compromise': 'caCompromise',
  'affiliation-changed': 'affiliationChanged',
  superseded: 'superseded',
  'cessation-of-operation': 'cessationOfOperation',
  'privilege-withdrawn': 'privilegeWithdrawn',
  'aa-compromise': 'aACompromise',
} as const satisfies Readonly<Record<RevocationReason, PkiReason>>
