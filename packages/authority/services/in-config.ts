import { type Config, PROBE } from '@datapunk/protocol'
import { AuthorityError } from '../error.ts'

/**
 * Whether a member is still wanted. One that is no longer in the config stays a member, and goes on as it was, until its removal is
 * approved; but nobody gets his first certificate, or one by hand, who is not in the config.
 */
export function isInConfig({ services }: Pick<Config, 'services'>, service: string): boolean {
  return service === PROBE || services.has(service)
}

/** @throws AuthorityError `NOT_A_MEMBER` */
export function requireInConfig(config: Pick<Config, 'services' | 'file'>, service: string): void {
  if (isInConfig(config, service)) return
  throw new AuthorityError(
    'NOT_A_MEMBER',
    `found no service ${service} in ${config.file}, where it was before; allowed: one that is there. Put it back into the config, or let \`mtls apply\` remove it`,
    { data: { found: service } },
  )
}
