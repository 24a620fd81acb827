import type { LintRule } from '../lint-rule.ts'

export const commonNameIsAnAltName: LintRule = {
  name: 'common-name-is-an-alt-name',
  source: 'BR 7.1.4.3',
  profiles: ['leaf'],
  check({ certificate: { subject, extensions } }) {
    const { commonName } = subject
    return commonName === undefined || extensions.subjectAltName?.dnsNames.includes(commonName)
      ? undefined
      : `its common name "${commonName}" is not one of its DNS names`
  },
}
