import {
  type Address,
  type Config,
  type Member,
  type ServiceConfig,
  speaksPostgres,
} from '@datapunk/protocol'
import type { ProbedPlace } from './attempt.ts'
import type { Cell } from './result.ts'

/**
 * Where callers are sent to: what the file says, else what peers are told.
 *
 * @returns undefined where nothing says the port
 */
export function placeOf(service: ServiceConfig, member: Member | undefined): ProbedPlace | undefined {
  const { address = member?.address, listen = member?.listen } = service
  const port = address?.port ?? listen?.port
  const serverName = service.dnsNames[0] ?? service.commonName
  if (port === undefined) return undefined
  const host = address?.host ?? (listen === undefined ? serverName : reachable(listen))
  return { host, port, serverName, speaks: speaksPostgres(service.reload) ? 'postgres' : 'any' }
}

/** A wildcard is nowhere to go to. */
function reachable({ host }: Address): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

/** What came of every case at a service that no place is known of: whoever serves nobody has nobody to refuse. */
export function nowhereToGo(service: ServiceConfig, { file }: Pick<Config, 'file'>): Omit<Cell, 'case'> {
  const { service: name, address, listen } = service
  const line = `say in ${file}: services.${name}.address: "HOST:PORT"`
  if (address !== undefined || listen !== undefined)
    return { service: name, verdict: 'unproven', evidence: 'nothing says at which port it is', fix: line }
  return {
    ...{ service: name, verdict: 'not-asked' },
    evidence:
      'the config says neither `listen` nor `address` of it, so it is taken for one that serves nobody',
    fix: `if it does serve, ${line}`,
  }
}
