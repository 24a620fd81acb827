import { authorities, type LintRule } from '../lint-rule.ts'

export const caHasASubject: LintRule = {
  name: 'ca-has-a-subject',
  source: 'RFC 5280 §4.1.2.6',
  profiles: authorities,
  check: ({ certificate: { subject } }) => (subject.isEmpty ? 'it is a CA with an empty subject' : undefined),
}
