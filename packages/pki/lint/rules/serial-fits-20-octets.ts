import { everyProfile, type LintRule } from '../lint-rule.ts'

export const serialFits20Octets: LintRule = {
  name: 'serial-fits-20-octets',
  source: 'RFC 5280 §4.1.2.2',
  profiles: everyProfile,
  check: ({ certificate: { serialBytes } }) =>
    serialBytes.length <= 20
      ? undefined
      : `its serial number has ${serialBytes.length} octets; 20 are allowed`,
}
