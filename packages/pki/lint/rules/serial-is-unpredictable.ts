import { everyProfile, type LintRule } from '../lint-rule.ts'

export const serialIsUnpredictable: LintRule = {
  name: 'serial-is-unpredictable',
  source: 'BR 7.1.2.7',
  profiles: everyProfile,
  check: ({ certificate: { serialBytes } }) =>
    serialBytes.length >= 8
      ? undefined
      : 'its serial number is shorter than the 64 random bits it should hold',
}
