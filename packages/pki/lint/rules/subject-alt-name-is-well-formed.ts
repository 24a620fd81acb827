import { isDnsNameOrWildcard } from '../../dns-name.ts'
import { isAbsoluteUri } from '../../uri-host.ts'
import { everyProfile, type LintRule } from '../lint-rule.ts'

export const subjectAltNameIsWellFormed: LintRule = {
  name: 'subject-alt-name-is-well-formed',
  source: 'RFC 5280 §4.2.1.6',
  profiles: everyProfile,
  check({ certificate: { extensions } }) {
    const { dnsNames = [], uris = [] } = extensions.subjectAltName ?? {}
    const badName = dnsNames.find((name) => !isDnsNameOrWildcard(name))
    if (badName !== undefined)
      return `its DNS name ${JSON.stringify(badName)} is not in the preferred name syntax`
    const badUri = uris.find((uri) => !isAbsoluteUri(uri))
    return badUri === undefined ? undefined : `its URI ${JSON.stringify(badUri)} is not absolute`
  },
}
