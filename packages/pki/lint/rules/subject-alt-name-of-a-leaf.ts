import { isDnsName } from '../../dns-name.ts'
import { parseSpiffeId } from '../../spiffe-id.ts'
import type { LintRule } from '../lint-rule.ts'

export const subjectAltNameOfALeaf: LintRule = {
  name: 'subject-alt-name-of-a-leaf',
  source: 'X509-SVID §2, §3.1, RFC 9525 §7.1',
  profiles: ['leaf'],
  check({ certificate: { extensions } }) {
    const { names = [], dnsNames = [], uris = [], ipAddresses = [] } = extensions.subjectAltName ?? {}
    if (uris.length !== 1) return `it has ${uris.length} URIs; exactly one, its SPIFFE ID, is needed`
    if (!isServiceId(uris[0] as string)) return `its URI ${uris[0]} is not the SPIFFE ID of a service`
    if (dnsNames.length === 0) return 'it has no DNS name'
    const bad = dnsNames.find((name) => !isDnsName(name))
    if (bad !== undefined) return `its DNS name "${bad}" is not a host name (wildcards are not issued)`
    const others = names.length - dnsNames.length - uris.length - ipAddresses.length
    return others === 0 ? undefined : 'it has names other than DNS names, a URI and IP addresses'
  },
}

function isServiceId(uri: string): boolean {
  try {
    return parseSpiffeId(uri).path !== ''
  } catch {
    return false
  }
}
