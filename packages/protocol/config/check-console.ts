import type { Config } from './config.ts'
import { isLoopback } from './loopback.ts'
import type { ResolveOptions } from './resolve-options.ts'

/** Where others may reach the console, it is for operators, under a name that is nobody else's. */
export function checkConsole(config: Config, { problem }: ResolveOptions): void {
  const { authority, operators, services } = config
  const host = authority.console?.host
  if (host === undefined || isLoopback(host)) return
  const path = ['authority', 'console']
  if (operators.size === 0) {
    problem(
      path,
      `found ${host}, which other machines may reach, and no operators; allowed: 127.0.0.1, [::1] or localhost, or name who may come in, as in operators: { alice: {} }`,
    )
  }
  const owner = [...services.values()].find(({ dnsNames }) => dnsNames.includes(host.toLowerCase()))
  if (owner !== undefined)
    problem(path, `found ${host}, which is a name of ${owner.service}; allowed: a name of no service`)
}
