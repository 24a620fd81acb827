import type { Dispatcher } from 'undici'
import { MeshError } from '../error.ts'

/**
 * Keeps a call at the member it was meant for. Whoever answers it may redirect it: followed to another member, that would do in the
 * caller’s name what the one who redirects may not do himself.
 *
 * @param memberAt the service that a host of the mesh belongs to
 */
export function toOneMember(memberAt: (host: string) => string): Dispatcher.DispatcherComposeInterceptor {
  let first: string | undefined
  return (dispatch) => (options, handler) => {
    const { hostname } = new URL(String(options.origin))
    const service = memberAt(hostname)
    first ??= service
    if (service !== first) throw redirected(first, hostname)
    return dispatch(options, handler)
  }
}

function redirected(service: string, host: string): MeshError {
  return new MeshError(
    'REDIRECTED',
    `found a redirect of ${service} to ${host}, another member; allowed: within the one that was called: call ${host} itself, or give \`redirect: 'follow'\` where ${service} may send this call anywhere in the mesh`,
    { data: { service, host } },
  )
}
