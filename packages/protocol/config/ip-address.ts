import { isIP } from 'node:net'

/** An IPv4 or IPv6 address in text form, without a zone. */
export function isIpAddress(value: string): boolean {
  return isIP(value) !== 0 && !value.includes('%')
}
