import { publicKeyOf } from '../../keys/public-key.ts'
import { everyProfile, type LintRule } from '../lint-rule.ts'

export const keyIsUsable: LintRule = {
  name: 'key-is-usable',
  source: 'SP 800-56A r3 §5.6.2.3: a point must lie on its curve',
  profiles: everyProfile,
  check({ certificate: { spki } }) {
    try {
      publicKeyOf(spki)
      return undefined
    } catch {
      return 'the octets of its key are no key of its kind'
    }
  },
}
