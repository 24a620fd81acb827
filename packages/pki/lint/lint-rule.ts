import type { TbsCertificate } from '../certificate.ts'
import type { Profile } from '../profiles/profile.ts'

/** What a rule looks at. */
export interface Linted {
  readonly certificate: TbsCertificate
  readonly profile: Profile
  /** The certificate whose key signs; for a root its own. */
  readonly issuer: TbsCertificate
}

/**
 * One rule that a certificate keeps or breaks. The same rules look at certificates before we sign them
 * (`lint`) and, as far as `path/strictness.ts` lists them, at certificates that others have signed.
 */
export interface LintRule {
  /** The name of its file. */
  readonly name: string
  /** Where the rule stands. */
  readonly source: string
  readonly profiles: readonly Profile[]
  /** @returns what is wrong, as a sentence without a full stop; undefined where the rule is kept */
  check(linted: Linted): string | undefined
}

export const everyProfile: readonly Profile[] = [
  'root',
  'cross',
  'issuing-ca',
  'leaf',
  'operator',
  'ocsp-signer',
]
export const authorities: readonly Profile[] = ['root', 'cross', 'issuing-ca']
export const endEntities: readonly Profile[] = ['leaf', 'operator', 'ocsp-signer']
