import { authorityName } from './authority-identity.ts'
import type { Config } from './config/config.ts'
import { isWithinDomain } from './config/domain.ts'

/**
 * Who the console says it is to whoever reaches it from elsewhere. It is not the authority: what has its key speaks to
 * operators, and peers would not believe it.
 */
export function consoleSpiffeId(trustDomain: string): string {
  return `spiffe://${trustDomain}/authority/console`
}

/** The DNS names of the console's certificate: the authority's, and the host of `authority.console` where that is one of ours. */
export function consoleNamesOf({
  authority,
  trustDomain,
}: Pick<Config, 'authority' | 'trustDomain'>): string[] {
  const host = authority.console?.host.toLowerCase() ?? ''
  const isOurs = [trustDomain, ...authority.extraDomains].some((domain) => isWithinDomain(host, domain))
  return [...new Set([authorityName(trustDomain), ...(isOurs ? [host] : [])])]
}
