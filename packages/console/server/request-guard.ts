import type { IncomingMessage } from 'node:http'
import { ConsoleError } from '../error.ts'
import { type ConsolePlace, urlOf } from './console-place.ts'

/**
 * Refuses whatever the console's own page would not ask.
 *
 * A name that somebody else's DNS leads here is none of ours (DNS rebinding), and what other pages make a browser ask says so
 * in `origin` or `sec-fetch-site`. The session is no cookie, so that nothing of the kind would have rights anyway.
 *
 * @throws ConsoleError `HOST_REFUSED`, `ORIGIN_REFUSED`
 * @see Fetch standard, "Origin header"; W3C Fetch Metadata
 */
export function checkRequest({ headers, method, url }: IncomingMessage, place: ConsolePlace): void {
  const { scheme, hosts } = place
  const { host = '', origin } = headers
  if (!hosts.has(host))
    throw new ConsoleError('HOST_REFUSED', `asked for ${show(host)}; allowed: ${[...hosts].join(', ')}`)
  if (origin !== undefined && origin !== `${scheme}://${host}`)
    throw new ConsoleError(
      'ORIGIN_REFUSED',
      `asked by the page of ${show(origin)}; allowed: the console’s own`,
    )
  const isDeed = method !== 'GET' && method !== 'HEAD'
  if (isDeed && origin === undefined)
    throw new ConsoleError(
      'ORIGIN_REFUSED',
      `found no origin header; allowed for ${show(method ?? '')}: the console’s own, as in ${urlOf(place)}`,
    )
  const site = headers['sec-fetch-site']
  if (isCall(url) && site !== undefined && site !== 'same-origin')
    throw new ConsoleError('ORIGIN_REFUSED', 'asked by another page; allowed: the console’s own')
}

export function isCall(url: string | undefined): boolean {
  return url?.startsWith('/api/') ?? false
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
