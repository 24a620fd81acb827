import { statusRequest } from '../../extensions/tls-feature.ts'
import { everyProfile, type LintRule } from '../lint-rule.ts'

export const tlsFeatureIsStatusRequest: LintRule = {
  name: 'tls-feature-is-status-request',
  source: 'RFC 7633 §4',
  profiles: everyProfile,
  check({ certificate: { extensions } }) {
    const { tlsFeature } = extensions
    if (tlsFeature === undefined) return undefined
    if (tlsFeature.critical) return 'its TLS feature is critical'
    const found = tlsFeature.features.join(', ')
    return found === `${statusRequest}`
      ? undefined
      : `its TLS features are "${found}", not "${statusRequest}"`
  },
}
