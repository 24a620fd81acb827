import { endEntities, type LintRule } from '../lint-rule.ts'

export const basicConstraintsOfALeaf: LintRule = {
  name: 'basic-constraints-of-a-leaf',
  source: 'X509-SVID §5.2, RFC 5280 §4.2.1.9',
  profiles: endEntities,
  check({ certificate: { extensions } }) {
    const { basicConstraints } = extensions
    if (basicConstraints === undefined || !basicConstraints.critical)
      return 'it has no critical basic constraints'
    return basicConstraints.ca ? 'it is a CA' : undefined
  },
}
