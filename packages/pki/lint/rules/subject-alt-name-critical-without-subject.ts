import type { LintRule } from '../lint-rule.ts'

export const subjectAltNameCriticalWithoutSubject: LintRule = {
  name: 'subject-alt-name-critical-without-subject',
  source: 'RFC 5280 §4.2.1.6',
  profiles: ['leaf'],
  check({ certificate: { subject, extensions } }) {
    const critical = extensions.subjectAltName?.critical
    if (subject.isEmpty && critical === false)
      return 'its subject is empty, and its alternative names are not critical'
    if (!subject.isEmpty && critical === true)
      return 'it has a subject, and yet its alternative names are critical'
    return undefined
  },
}
