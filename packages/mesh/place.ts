import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { addressText } from '@datapunk/protocol'
import { MeshError } from './error.ts'

/** Where plain text is taken or brought: a TCP port, or a unix socket. */
export type Place = { readonly host: string; readonly port: number } | { readonly path: string }

const hostAndPort = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/

/**
 * @param text `HOST:PORT`, `[IPV6]:PORT` or `unix:/PATH`
 * @throws MeshError `PLACE_INVALID`
 */
export function parsePlace(text: string): Place {
  if (text.startsWith('unix:/')) return { path: text.slice('unix:'.length) }
  const [, ipv6, name, port] = hostAndPort.exec(text) ?? []
  const host = ipv6 ?? name
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) }
  throw new MeshError(
    'PLACE_INVALID',
    `found the place ${JSON.stringify(text)}; allowed: HOST:PORT, [IPV6]:PORT, or unix: and an absolute path`,
  )
}

export function placeText(place: Place): string {
  if ('path' in place) return `unix:${place.path}`
  return addressText(place.host, place.port)
}

/** The folder of a unix socket, or what there is of it, where everyone may put a socket of his own; undefined where not. */
export function folderOpenToAll(path: string): string | undefined {
  let folder = dirname(path)
  while (!existsSync(folder)) folder = dirname(folder)
  return (statSync(folder).mode & 0o002) === 0 ? undefined : folder
}
