import { addressText, isLoopback } from '@datapunk/protocol'
import { MeshError } from '../error.ts'
import { folderOpenToAll, type Place, parsePlace, placeText } from '../place.ts'

/** What programs speak in plain text, as a place says it, and the ALPN name under which it goes over TLS (RFC 7301). */
export const protocols = { h2c: 'h2', http: 'http/1.1' } as const

export type Scheme = keyof typeof protocols
export type Protocol = (typeof protocols)[Scheme]

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
       * What the service behind speaks. Who names another is refused, and without it whoever names any: what is meant for an HTTP
       * server must not end at a database (ALPACA).
       */
      readonly protocol?: Protocol | undefined
    }
  | {
      readonly way: 'call'
      readonly at: Place
      readonly to: MemberPlace
      /** What is named to the member, which for HTTP/2 it has to be; without it nothing is. */
      readonly protocol?: Protocol | undefined
    }

/** What a `serve` route goes on to. */
export type Program = Pick<Route & { way: 'serve' }, 'to' | 'protocol'>

/**
 * @param text a place, or `http://HOST:PORT` or `http+unix:/PATH` for a program that speaks HTTP/1.1, and likewise `h2c` for one that
 *   speaks HTTP/2, as gRPC does
 * @throws MeshError `PLACE_INVALID`
 */
export function parseProgram(text: string): Program {
  const [, scheme, host, path] = /^(h2c|http)(?::\/\/([^/]*)\/?|\+(unix:\/.*))$/.exec(text) ?? []
  if (scheme === undefined) return { to: parsePlace(text) }
  return { to: parsePlace(host ?? path ?? ''), protocol: protocols[scheme as Scheme] }
}

function programText({ to, protocol }: Program): string {
  if (protocol === undefined) return placeText(to)
  return `${schemeOf(protocol)}${'path' in to ? '+' : '://'}${placeText(to)}`
}

function memberText({ host, port }: MemberPlace, protocol: Protocol | undefined): string {
  const member = port === undefined ? host : addressText(host, port)
  return protocol === undefined ? member : `${schemeOf(protocol)}://${member}`
}

function schemeOf(protocol: Protocol): Scheme {
  return protocol === protocols.h2c ? 'h2c' : 'http'
}

/** `serve 127.0.0.1:8443 → http://127.0.0.1:8080`, `call unix:/run/app/lake → lake`. */
export function routeText(route: Route, at: Place = route.at): string {
  const to = route.way === 'serve' ? programText(route) : memberText(route.to, route.protocol)
  return `${route.way} ${placeText(at)} → ${to}`
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
