import { isIP } from 'node:net'
import { Problem } from './problem.ts'

/**
 * A page from anywhere can have a name of its own point to this machine and so reach what listens on loopback; the name
 * it called by then gives it away.
 *
 * @param host the Host header
 * @throws Problem 421 unless it is `localhost` or an address
 */
export function checkLoopbackHost(host: string | undefined): void {
  const name = URL.parse(`http://${host}`)?.hostname.replace(/^\[|\]$/g, '') ?? ''
  if (name === 'localhost' || isIP(name) !== 0) return
  throw new Problem(
    421,
    'HOST_UNKNOWN',
    `found host ${String(host).slice(0, 80)}; allowed: localhost or an address`,
  )
}
