import type { Extensions } from '../../extensions/extensions.ts'
import { isHttpUri } from '../../uri-host.ts'
import { everyProfile, type LintRule } from '../lint-rule.ts'

export const crlDistributionPointsAreOneHttpUri: LintRule = {
  name: 'crl-distribution-points-are-one-http-uri',
  source: 'RFC 5280 §4.2.1.13, §4.2.1.15, BR 7.1.2.11.2',
  profiles: everyProfile,
  check: ({ certificate: { extensions } }) =>
    faultOf('CRL distribution points', extensions.crlDistributionPoints) ??
    faultOf('freshest CRL', extensions.freshestCrl),
}

function faultOf(what: string, extension: Extensions['crlDistributionPoints']): string | undefined {
  if (extension === undefined) return undefined
  if (extension.critical) return `its extension for ${what} is critical`
  const names = extension.points.flatMap(({ fullName }) => fullName)
  if (extension.points.length !== 1 || names.length !== 1)
    return `its extension for ${what} has ${extension.points.length} points with ${names.length} names, not one with one`
  const [name] = names
  return name?.form === 'uri' && isHttpUri(name.value)
    ? undefined
    : `its extension for ${what} names no http URI`
}
