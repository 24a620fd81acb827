import { authorityName } from '../authority-identity.ts'
import type { Config } from './config.ts'

/** Where peers on other hosts call the authority. */
export interface AuthorityAddress {
  readonly host: string
  readonly port: number
}

/**
 * Where peers call the authority over TLS: the host of `authority.listen`, or, where that means every address of the
 * authority's machine, the authority's name, which then DNS resolves.
 *
 * @returns undefined where it is reached by its socket only
 */
export function authorityAddressOf({
  authority,
  trustDomain,
}: Pick<Config, 'authority' | 'trustDomain'>): AuthorityAddress | undefined {
  const { host, port } = authority.listen ?? {}
  if (host === undefined || port === undefined) return undefined
  return { host: isEveryAddress(host) ? authorityName(trustDomain) : host, port }
}

/** `0.0.0.0`, `::`, and the other spellings of the latter. */
function isEveryAddress(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host)
}
