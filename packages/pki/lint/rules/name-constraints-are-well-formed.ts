import { subtreeFault } from '../../constraints/name-subtree.ts'
import { authorities, type LintRule } from '../lint-rule.ts'

export const nameConstraintsAreWellFormed: LintRule = {
  name: 'name-constraints-are-well-formed',
  source: 'RFC 5280 §4.2.1.10',
  profiles: authorities,
  check({ certificate: { extensions } }) {
    const { permitted = [], excluded = [] } = extensions.nameConstraints ?? {}
    const fault = [...permitted, ...excluded].map(subtreeFault).find((each) => each !== undefined)
    return fault && `a name constraint is malformed: ${fault}`
  },
}
