import type { LintRule } from '../lint/lint-rule.ts'
import { lintRules } from '../lint/rules.ts'
import type { PkiErrorCode } from '../pki-error.ts'
import type { Profile } from '../profiles/profile.ts'

/**
 * What is done about a certificate, made by whomever, that breaks a rule of ours:
 * - a code: it is refused with that code, as what it is on the path;
 * - `elsewhere`: the path verification does the check itself, for what it needs to know beside the
 *   certificate;
 * - `ours only`: only certificates of our own keep it; others may break it, for the reason given.
 */
export type Decision = PkiErrorCode | 'elsewhere' | 'ours only'

export interface StrictnessRow {
  readonly decision: Decision
  /** Where the rule counts for fewer certificates than it is linted for. */
  readonly profiles?: readonly Profile[]
  readonly why?: string
}

/**
 * How strict `verifyPath` is: every rule of the linter, and what breaking it means, in the order of asking.
 */
export const strictness: Readonly<Record<string, StrictnessRow>> = {
  // First, because in a version 1 certificate all the rest is missing too.
  'version-is-3': { decision: 'CERTIFICATE_UNFIT' },
  'authority-key-identifier-is-plain': { decision: 'CERTIFICATE_UNFIT' },
  'authority-key-identifier-is-present': {
    decision: 'CERTIFICATE_UNFIT',
    profiles: ['issuing-ca', 'leaf'],
    why: 'nobody is looked for above a root',
  },
  'authority-key-identifier-is-the-issuers': {
    decision: 'AUTHORITY_KEY_MISMATCH',
    profiles: ['root'],
    why: 'for the others each candidate for their issuer is asked',
  },
  'authority-info-access-is-http': { decision: 'ours only', why: 'nothing is fetched to verify a path' },
  'basic-constraints-make-a-ca': { decision: 'ISSUER_NOT_CA' },
  'basic-constraints-of-a-ca-are-critical': { decision: 'CERTIFICATE_UNFIT' },
  'basic-constraints-of-a-leaf': {
    decision: 'elsewhere',
    why: 'RFC 5280 lets leaves go without; CA:TRUE is refused',
  },
  'ca-has-a-subject': { decision: 'CERTIFICATE_UNFIT' },
  'common-name-is-an-alt-name': {
    decision: 'ours only',
    why: 'common names are never looked at (RFC 9525 §2)',
  },
  'country-is-two-letters': {
    decision: 'ours only',
    why: 'a subject is shown to people, or compared as a whole',
  },
  'crl-distribution-points-are-one-http-uri': {
    decision: 'ours only',
    why: 'others shard by reason, or name several places for one CRL',
  },
  'extended-key-usage-is-not-critical': { decision: 'CERTIFICATE_UNFIT' },
  'extended-key-usage-not-in-a-root': { decision: 'CERTIFICATE_UNFIT' },
  'extended-key-usage-of-a-leaf': {
    decision: 'elsewhere',
    why: 'one of both purposes is enough to verify for it',
  },
  'extended-key-usage-of-an-ocsp-signer': {
    decision: 'elsewhere',
    why: 'OCSPSigning must be among its purposes',
  },
  'extended-key-usage-of-an-operator': {
    decision: 'elsewhere',
    why: 'clientAuth must be among its purposes',
  },
  'extensions-are-of-the-profile': {
    decision: 'elsewhere',
    why: 'unknown ones are refused when they are critical',
  },
  'issuer-has-a-name': { decision: 'CERTIFICATE_UNFIT' },
  'issuer-is-the-issuers-subject': { decision: 'elsewhere', why: 'candidates are found by it' },
  'issuing-ca-has-a-path-length': { decision: 'ours only', why: 'RFC 5280 leaves it to the CA' },
  'key-is-allowed': { decision: 'elsewhere', why: 'refused with KEY_WEAK or KEY_UNSUPPORTED' },
  'key-is-usable': {
    decision: 'elsewhere',
    why: 'TLS tries the key of a leaf, the signature check that of a CA',
  },
  'key-usage-allows-issuing': { decision: 'KEY_USAGE_NOT_ALLOWED' },
  'key-usage-is-critical': { decision: 'ours only', why: 'RFC 5280 §4.2.1.3 says SHOULD' },
  'key-usage-of-a-ca': { decision: 'ours only', why: 'one that signs no CRL needs no cRLSign' },
  'key-usage-of-a-leaf': {
    decision: 'elsewhere',
    why: 'digitalSignature must be among them, keyCertSign must not',
  },
  'name-constraints-are-critical': { decision: 'CERTIFICATE_UNFIT' },
  'name-constraints-are-well-formed': { decision: 'CERTIFICATE_UNFIT' },
  'name-constraints-of-an-issuing-ca': { decision: 'ours only', why: 'other CAs may be unconstrained' },
  'name-constraints-only-in-a-ca': { decision: 'CERTIFICATE_UNFIT' },
  'names-are-within-the-issuers-constraints': {
    decision: 'elsewhere',
    why: 'all CAs above constrain a name',
  },
  'names-of-an-operator': {
    decision: 'elsewhere',
    why: 'whoever lets operators in looks for their SPIFFE IDs',
  },
  'ocsp-no-check-of-an-ocsp-signer': {
    decision: 'ours only',
    why: 'RFC 6960 §4.2.2.2.1 leaves to the client whether a responder is asked about',
  },
  'path-length-only-with-ca': { decision: 'CERTIFICATE_UNFIT' },
  'serial-fits-20-octets': { decision: 'CERTIFICATE_UNFIT' },
  'serial-is-positive': {
    decision: 'CERTIFICATE_UNFIT',
    profiles: ['issuing-ca', 'leaf'],
    why: 'old roots of the public web bear serial 0, and nothing asks for the serial of a root',
  },
  'serial-is-unpredictable': { decision: 'ours only', why: 'nobody can see randomness; length says little' },
  'signature-algorithm-is-allowed': { decision: 'SIGNATURE_ALGORITHM_UNSUPPORTED' },
  'signature-algorithm-is-the-issuers': { decision: 'ours only', why: 'a P-384 key may sign with SHA-256' },
  'subject-alt-name-critical-without-subject': { decision: 'CERTIFICATE_UNFIT' },
  'subject-alt-name-is-well-formed': { decision: 'CERTIFICATE_UNFIT' },
  'subject-alt-name-of-a-leaf': {
    decision: 'elsewhere',
    why: 'some name must be there; which one, the caller says',
  },
  'subject-key-identifier-is-not-critical': { decision: 'CERTIFICATE_UNFIT' },
  'subject-key-identifier-is-present': {
    decision: 'CERTIFICATE_UNFIT',
    profiles: ['root', 'issuing-ca'],
    why: 'RFC 5280 §4.2.1.2 says SHOULD for leaves',
  },
  'subject-of-an-ocsp-signer': { decision: 'ours only', why: 'a responder is known by its key' },
  'tls-feature-is-status-request': { decision: 'ours only', why: 'whoever staples reads it' },
  'validity-ends-with-the-issuers': {
    decision: 'elsewhere',
    why: 'every certificate of a path must be valid now',
  },
  'validity-is-in-order': { decision: 'CERTIFICATE_UNFIT' },
}

/**
 * What a path is made of; whatever stands between root and leaf is held to the rules of an issuing CA, and an operator to those
 * of a leaf. An OCSP signer is the end of a path of its own.
 */
export type PlaceInPath = Exclude<Profile, 'cross' | 'operator'>

/** The rules that refuse a certificate in this place of a path, with the code they refuse it with. */
export function refusingRules(profile: PlaceInPath): readonly RefusingRule[] {
  return byProfile[profile]
}

export interface RefusingRule {
  readonly rule: LintRule
  readonly code: PkiErrorCode
}

const byProfile: Readonly<Record<PlaceInPath, readonly RefusingRule[]>> = {
  root: select('root'),
  'issuing-ca': select('issuing-ca'),
  leaf: select('leaf'),
  'ocsp-signer': select('ocsp-signer'),
}

function select(profile: Profile): RefusingRule[] {
  return Object.entries(strictness).flatMap(([name, { decision, profiles }]) => {
    if (decision === 'elsewhere' || decision === 'ours only') return []
    const rule = lintRules.find((each) => each.name === name)
    if (rule === undefined) throw new TypeError(`strictness decides about "${name}", which is no rule`)
    return (profiles ?? rule.profiles).includes(profile) ? [{ rule, code: decision }] : []
  })
}
