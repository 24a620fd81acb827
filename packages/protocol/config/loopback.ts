import { isIpAddress } from './ip-address.ts'

/** Whether only this machine reaches what listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIpAddress(host) && host.startsWith('127.'))
}
