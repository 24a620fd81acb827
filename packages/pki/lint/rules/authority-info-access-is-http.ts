import { oids } from '../../oids.ts'
import { isHttpUri } from '../../uri-host.ts'
import { everyProfile, type LintRule } from '../lint-rule.ts'

export const authorityInfoAccessIsHttp: LintRule = {
  name: 'authority-info-access-is-http',
  source: 'RFC 5280 §4.2.2.1, BR 7.1.2.7.7',
  profiles: everyProfile,
  check({ certificate: { extensions } }) {
    const { descriptions = [], critical } = extensions.authorityInfoAccess ?? {}
    if (critical) return 'its authority information access is critical'
    const methods = new Set<string>()
    for (const { method, location } of descriptions) {
      if (method !== oids.ocsp && method !== oids.caIssuers)
        return `it describes access by the method ${method}`
      if (methods.has(method)) return `it describes access by the method ${method} twice`
      methods.add(method)
      if (location.form !== 'uri' || !isHttpUri(location.value))
        return `it describes access by ${location.form === 'uri' ? location.value : location.form}, which is no http URI`
    }
    return undefined
  },
}
