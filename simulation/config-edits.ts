import { ProtocolError } from '@datapunk/protocol'
import type { ConfigFile, ServiceText } from './config-file.ts'
import type { Draw } from './draw.ts'

/** What somebody has done to the config file. */
export interface Edit {
  readonly file: ConfigFile
  /** For people. */
  readonly what: string
  /** Services whose processes begin, … */
  readonly comes: readonly string[]
  /** … end, after a while, … */
  readonly leaves: readonly string[]
  /** … or are started anew, because their files are elsewhere. */
  readonly moves: readonly string[]
}

/** What edits are drawn by, besides the file. */
export interface EditChances {
  readonly draw: Draw
  /** No more services than so many. */
  readonly most: number
  /** Services that were in the file once, and how they are told of their files. */
  readonly former: ReadonlyMap<string, ServiceText>
}

type Make = (file: ConfigFile, chances: EditChances) => Edit | undefined

/** Each gives nothing where there is nothing of its kind to be done. */
const EDITS: Readonly<Record<string, Make>> = {
  'allow others': (file, { draw }) => {
    const service = draw.one([...file.services.keys()])
    const { allow, ...text } = file.services.get(service)!
    const callers = draw.chance(0.5) ? {} : { allow: someOf(file, draw) }
    return edit(file.with(service, { ...text, ...callers }), `allow of ${service}`)
  },
  add: (file, { draw, most, former }) => {
    if (file.services.size >= most) return undefined
    const back = [...former.keys()].filter((name) => !file.services.has(name))
    const service = back.length > 0 && draw.chance(0.5) ? draw.one(back) : newName(file, former)
    const allow = draw.chance(0.5) ? {} : { allow: someOf(file, draw) }
    const kind = former.get(service) ?? drawReader(service, draw)
    return edit(file.with(service, { ...allow, ...kind }), `${service} is added`, { comes: [service] })
  },
  'take out': (file, { draw }) => {
    if (file.services.size < 2) return undefined
    const service = draw.one([...file.services.keys()])
    return edit(file.without(service), `${service} is taken out`, { leaves: [service] })
  },
  rename: (file, { draw, former }) => {
    const before = draw.one([...file.services.keys()])
    const service = newName(file, former)
    const { cert, key } = file.config.services.get(before)!
    const inherited: ServiceText = draw.chance(0.5)
      ? { cert, key }
      : { dns_names: [`${before}.mesh.internal`] }
    const renamed = file.without(before).with(service, inherited)
    return edit(renamed, `${before} becomes ${service}`, { comes: [service], leaves: [before] })
  },
  names: (file, { draw }) => {
    const service = draw.one([...file.services.keys()])
    const { dns_names, ...text } = file.services.get(service)!
    const names = draw.chance(0.3) ? {} : { dns_names: [`${service}-${draw.whole(1, 5)}.mesh.internal`] }
    return edit(file.with(service, { ...text, ...names }), `names of ${service}`)
  },
  addresses: (file, { draw }) => {
    const service = draw.one([...file.services.keys()])
    const { ip_addresses, ...text } = file.services.get(service)!
    const number = Number(service.slice(1))
    const address = `10.${number >> 8}.${number & 255}.${draw.whole(1, 5)}`
    const addresses = ip_addresses === undefined ? { ip_addresses: [address] } : {}
    return edit(file.with(service, { ...text, ...addresses }), `addresses of ${service}`)
  },
  move: (file, { draw }) => {
    const service = draw.one([...file.services.keys()])
    const { cert, key, ...text } = file.services.get(service)!
    const place = `/srv/${service}-${draw.whole(1, 3)}`
    const files = draw.chance(0.5) ? {} : { cert: `${place}/cert.pem`, key: `${place}/key.pem` }
    return edit(file.with(service, { ...text, ...files }), `files of ${service}`, { moves: [service] })
  },
}

/** One edit, as somebody may make it; undefined where the one that was drawn can't be made, or makes a file that is refused. */
export function drawEdit(file: ConfigFile, chances: EditChances): Edit | undefined {
  try {
    return EDITS[chances.draw.one(Object.keys(EDITS))]!(file, chances)
  } catch (error) {
    // Who comes back may find its name or its files with another.
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** One in six reads files, and in half of the cases it can be looked at. */
export function drawReader(service: string, draw: Draw): ServiceText {
  if (!draw.chance(1 / 6)) return {}
  const address = draw.chance(0.5) ? { address: `${service}.mesh.internal:8443` } : {}
  return { delivery: 'files', reload: ['reload', service], ...address }
}

function edit(
  file: ConfigFile,
  what: string,
  { comes = [], leaves = [], moves = [] }: Partial<Edit> = {},
): Edit {
  return { file, what, comes, leaves, moves }
}

function someOf({ services }: ConfigFile, draw: Draw): string[] {
  return [...services.keys()].filter(() => draw.chance(0.5))
}

/** One that no service has had yet. */
function newName({ services }: ConfigFile, former: ReadonlyMap<string, ServiceText>): string {
  const numbers = [...services.keys(), ...former.keys()].map((name) => Number(name.slice(1)))
  return `s${Math.max(...numbers) + 1}`
}
