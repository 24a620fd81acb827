import { isLoopback } from '@datapunk/protocol'
import { MeshError } from '../error.ts'
import { folderOpenToAll, type Place, parsePlace, placeText } from './place.ts'

/** Whom a route calls: a member by its name, and a port where its `address` names none or another is meant. */
export interface MemberPlace {
  readonly host: string
  readonly port: number | undefined
}

/**
 * One way through the proxy. `serve`: members call over mutual TLS, and plain text goes on to the service behind. `call`:
 * plain text comes from the service, and goes on to a member over mutual TLS.
 */
export type Route =
  | {
      readonly way: 'serve'
      readonly at: Place
      readonly to: Place
      /**
       * What the service behind speaks, by its ALPN name (RFC 7301). Who names another is refused, and without it whoever names
       * any: what is meant for an HTTP server must not end at a database (ALPACA).
       */
      readonly protocol?: 'http/1.1' | undefined
    }
  | { readonly way: 'call'; readonly at: Place; readonly to: MemberPlace }

/** What a `serve` route goes on to. */
export type Program = Pick<Route & { way: 'serve' }, 'to' | 'protocol'>

/**
 * @param text a place, or `http://HOST:PORT` or `http+unix:/PATH` for a program that speaks HTTP
 * @throws MeshError `PLACE_INVALID`
 */
export function parseProgram(text: string): Program {
  const [, place] =
    /^http(?::\/\/([^/]*)\/?|\+(unix:\/.*))$/.exec(text)?.filter((part) => part !== undefined) ?? []
  return place === undefined ? { to: parsePlace(text) } : { to: parsePlace(place), protocol: 'http/1.1' }
}

export function programText({ to, protocol }: Program): string {
  if (protocol === undefined) return placeText(to)
  return 'path' in to ? `http+${placeText(to)}` : `http://${placeText(to)}`
}

/** The unsafe choices: each has to be typed out. */
export interface Permissions {
  /** A `call` route may listen where other machines reach it: whoever does, calls as this service. */
  readonly lendIdentity?: boolean | undefined
  /** Plain text may go on to another machine, or, of either route, to a socket that anyone here can put in its place. */
  readonly sendPlain?: boolean | undefined
}

/** @throws MeshError `PLACE_EXPOSED` */
export function refuseExposed(route: Route, { lendIdentity, sendPlain }: Permissions): void {
  if (route.way === 'call' && !lendIdentity && 'host' in route.at && !isLoopback(route.at.host)) {
    throw exposed(
      route.at,
      'where others can call as this service',
      'loopback, or a unix socket, which only its owner can reach',
      '--lend-identity',
    )
  }
  if (sendPlain) return
  const plain = route.way === 'call' ? route.at : route.to
  if (route.way === 'serve' && 'host' in plain && !isLoopback(plain.host)) {
    throw exposed(
      plain,
      'which plain text would reach over a network',
      'loopback or a unix socket',
      '--send-plain',
    )
  }
  const folder = 'path' in plain ? folderOpenToAll(plain.path) : undefined
  if (folder !== undefined) {
    throw exposed(
      plain,
      `whose folder ${folder} everyone may write to, and put a socket of his own there`,
      `a folder of the service's own: \`chmod o-w ${folder}\`, or another one`,
      '--send-plain',
    )
  }
}

function exposed(place: Place, why: string, allowed: string, flag: string): MeshError {
  return new MeshError(
    'PLACE_EXPOSED',
    `found ${placeText(place)}, ${why}; allowed: ${allowed}; ${flag} if that is meant`,
    { data: { place: placeText(place), flag } },
  )
}
