import { everyProfile, type LintRule } from '../lint-rule.ts'

export const pathLengthOnlyWithCa: LintRule = {
  name: 'path-length-only-with-ca',
  source: 'RFC 5280 §4.2.1.9',
  profiles: everyProfile,
  check: ({ certificate: { extensions } }) =>
    extensions.basicConstraints?.pathLength !== undefined && !extensions.basicConstraints.ca
      ? 'it is no CA, and has a path length'
      : undefined,
}
