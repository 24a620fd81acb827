import { ipOctets } from '@datapunk/pki'

/** An IPv4 or IPv6 address in text form, without a zone. */
export function isIpAddress(value: string): boolean {
  return ipOctets(value) !== undefined
}
