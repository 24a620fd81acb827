import { everyProfile, type LintRule } from '../lint-rule.ts'

export const versionIs3: LintRule = {
  name: 'version-is-3',
  source: 'RFC 5280 §4.1.2.1',
  profiles: everyProfile,
  check: ({ certificate: { version } }) =>
    version === 3 ? undefined : `it is of version ${version}; only version 3 has extensions`,
}
