import {
  type Address,
  type Config,
  type Member,
  type ServiceConfig,
  speaksPostgres,
} from '@datapunk/protocol'
import type { ProbedPlace } from './attempt.ts'

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

/** The line of the config that is missing. */
export function placeMissing({ service }: ServiceConfig, { file }: Pick<Config, 'file'>): string {
  return `say in ${file}: services.${service}.address: "HOST:PORT"`
}
