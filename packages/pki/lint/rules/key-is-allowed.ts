import { everyProfile, type LintRule } from '../lint-rule.ts'

export const keyIsAllowed: LintRule = {
  name: 'key-is-allowed',
  source: 'BR 6.1.5, 6.1.6, 7.1.3.1',
  profiles: everyProfile,
  check: ({ certificate: { keyAlgorithm } }) =>
    keyAlgorithm === undefined ? 'its key is weak, or of no kind that is used here' : undefined,
}
