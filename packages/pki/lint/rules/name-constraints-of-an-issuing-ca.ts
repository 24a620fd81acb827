import type { LintRule } from '../lint-rule.ts'

export const nameConstraintsOfAnIssuingCa: LintRule = {
  name: 'name-constraints-of-an-issuing-ca',
  source: 'our own profiles, packages/pki/profiles',
  profiles: ['issuing-ca'],
  check({ certificate: { extensions } }) {
    const { permitted = [], excluded = [] } = extensions.nameConstraints ?? {}
    const has = (names: typeof permitted, form: string): boolean => names.some((name) => name.form === form)
    if (!has(permitted, 'dns')) return 'it may issue every DNS name'
    return has(permitted, 'ip') || has(excluded, 'ip') ? undefined : 'it may issue every IP address'
  },
}
