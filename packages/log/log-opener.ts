import { authorityName, type Config, layoutOf } from '@datapunk/protocol'
import { CircuitBreaker } from './circuit-breaker.ts'
import { type AsAuthority, HttpLog } from './http-log.ts'
import { LogError } from './log-error.ts'
import { TransparencyLog } from './transparency-log.ts'

interface WantedLog {
  readonly meshId: string
  readonly generation: number
  readonly fresh: boolean
}

/**
 * Opens the log that a config speaks of: in this process, or where `authority.log` says that it runs.
 *
 * @param clock milliseconds since the epoch
 * @returns what an authority asks for its log
 */
export function logOpener({ authority, paths, trustDomain }: Config, clock: () => number) {
  const url = `${authority.publicUrl ?? `http://${authorityName(trustDomain)}`}/log`
  const { clockSkew, log: elsewhere } = authority
  const fixed = { layout: layoutOf({ authority }), caCert: paths.caCert, url, clock, clockSkew }
  const breaker = new CircuitBreaker(clock)
  return async (wanted: WantedLog, asAuthority: AsAuthority): Promise<TransparencyLog | HttpLog> => {
    if (elsewhere === undefined) return TransparencyLog.open({ ...fixed, ...wanted })
    if (wanted.fresh) throw notOursToMake(elsewhere)
    return HttpLog.open({ url: elsewhere, meshId: wanted.meshId, asAuthority, clock, breaker })
  }
}

function notOursToMake(url: string): LogError {
  return new LogError(
    'LOG_ELSEWHERE',
    `the log runs elsewhere, at ${url}, and only there another is made: \`mtls log serve --new\`. Put the URL that it says into authority.log, and restart \`mtls up\``,
  )
}
