import { MeshError } from '@datapunk/mesh'
import {
  type Permissions,
  parsePlace,
  parseProgram,
  protocols,
  type Route,
  refuseExposed,
  type Scheme,
} from '@datapunk/mesh/proxy'
import { CliError } from '../cli-error.ts'
import type { OrderedOption } from '../command-spec.ts'

/**
 * The routes of a command line: each `--listen` and each `--from` goes to the `--to` that follows it.
 *
 * @throws CliError `USAGE`
 */
export function routesOf(typed: readonly OrderedOption[], permissions: Permissions): Route[] {
  const routes: Route[] = []
  for (let index = 0; index < typed.length; index += 2) {
    routes.push(routeOf(typed[index]!, typed[index + 1]))
  }
  if (routes.length === 0) throw unpaired('none')
  try {
    for (const route of routes) refuseExposed(route, permissions)
  } catch (error) {
    throw usageOf(error)
  }
  return routes
}

function routeOf(first: OrderedOption, second: OrderedOption | undefined): Route {
  if (first.flag === '--to') throw unpaired(`--to ${first.value} before either`)
  if (second?.flag !== '--to') throw unpaired(`${first.flag} ${first.value} without it`)
  try {
    const at = parsePlace(first.value)
    if (first.flag === '--from') return { way: 'call', at, ...memberOf(second.value) }
    if ('path' in at) throw wrong(`--listen ${first.value}`, 'HOST:PORT, where other members reach it')
    return { way: 'serve', at, ...parseProgram(second.value) }
  } catch (error) {
    throw usageOf(error)
  }
}

/** `lake`, `lake:8445`, `h2c://lake.service.datapunk:8445`. */
function memberOf(text: string): Pick<Route & { way: 'call' }, 'to' | 'protocol'> {
  const [, scheme, host, port] = /^(?:(h2c|http):\/\/)?([a-zA-Z0-9.-]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  if (host === undefined || Number(port ?? 1) > 65_535 || Number(port ?? 1) === 0) {
    throw wrong(`--to ${text}`, 'a member of the mesh after --from, as in lake or lake:8445')
  }
  const to = { host, port: port === undefined ? undefined : Number(port) }
  return scheme === undefined ? { to } : { to, protocol: protocols[scheme as Scheme] }
}

function unpaired(found: string): CliError {
  return wrong(
    found,
    '--listen HOST:PORT --to PLACE for each way in, --from PLACE --to MEMBER for each way out, in this order',
  )
}

function wrong(found: string, allowed: string): CliError {
  return new CliError('USAGE', `found ${found}; allowed: ${allowed}: see \`mtls proxy --help\``)
}

/** What is wrong about a place is wrong about the command line. */
function usageOf(error: unknown): unknown {
  return error instanceof MeshError ? new CliError('USAGE', error.message, { cause: error }) : error
}
