import { everyProfile, type LintRule } from '../lint-rule.ts'

export const serialIsPositive: LintRule = {
  name: 'serial-is-positive',
  source: 'RFC 5280 §4.1.2.2',
  profiles: everyProfile,
  check: ({ certificate: { serialBytes, serial } }) =>
    (serialBytes[0] as number) < 0x80 && serial !== '00'
      ? undefined
      : 'its serial number is zero or negative',
}
