import { tag } from '../../der/tag.ts'
import { oids } from '../../oids.ts'
import { everyProfile, type LintRule } from '../lint-rule.ts'

export const countryIsTwoLetters: LintRule = {
  name: 'country-is-two-letters',
  source: 'RFC 5280 appendix A.1',
  profiles: everyProfile,
  check({ certificate: { subject } }) {
    const countries = subject.relativeNames.flat().filter(({ type }) => type === oids.countryName)
    const bad = countries.find(
      (each) => each.tag !== tag.printableString || !/^[A-Z]{2}$/.test(each.value ?? ''),
    )
    return bad && `its country "${bad.value}" is not two capital letters in a PrintableString`
  },
}
