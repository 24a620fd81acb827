import { tag } from '../../der/tag.ts'
import { oids } from '../../oids.ts'
import { everyProfile, type LintRule } from '../lint-rule.ts'

export const countryIsTwoLetters: LintRule = {
  name: 'country-is-two-letters',
  source: 'RFC 5280 appendix A.1',
  profiles: everyProfile,
  check({ certificate: { subject } }) {
    for (const relativeName of subject.relativeNames) {
      for (const { type, tag: form, value } of relativeName) {
        if (type !== oids.countryName) continue
        if (form === tag.printableString && /^[A-Z]{2}$/.test(value ?? '')) continue
        return `its country "${value}" is not two capital letters in a PrintableString`
      }
    }
    return undefined
  },
}
