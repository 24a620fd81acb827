import { drawReader } from './config-edits.ts'
import { ConfigFile } from './config-file.ts'
import { Draw } from './draw.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365 * DAY

/** One mesh, and what happens to it: all of it drawn from a seed. Times are milliseconds. */
export interface Scenario {
  readonly seed: string
  readonly file: ConfigFile
  readonly years: number
  readonly peers: {
    /** Mean time between two troubles of one peer; each is a nap, a restart, a kill or a cut. */
    readonly trouble: number
    /** The longest nap or cut. */
    readonly longest: number
    readonly lag: number
  }
  readonly authority: {
    /** Mean time between two crashes; half of them with the power. */
    readonly crash: number
    readonly longest: number
    readonly diskFull: number
  }
  /** Services that have a second instance, whose key the authority never has. */
  readonly elsewhere: readonly string[]
  /** Mean time between two deeds of the operator. */
  readonly operator: number
  readonly members: {
    /** Mean time between two edits of the config file. */
    readonly edit: number
    /** How many services there may come to be. */
    readonly most: number
  }
  /** Mean times between two times at which the log can't be reached, and at which it is put back. */
  readonly log: { readonly down: number; readonly putBack: number }
  /** Mean times between backups and copies, between losses of the authority’s disk, and between copies that are put back. */
  readonly restores: { readonly copy: number; readonly loss: number; readonly putBack: number }
}

export interface ScenarioOptions {
  readonly services?: number
  readonly years?: number
  /** No trouble at all: what the speed is measured with. */
  readonly calm?: boolean
}

/** When all meshes begin, milliseconds since the epoch. */
export const BEGINNING = Date.UTC(2026, 0, 1)

export function drawScenario(seed: string, options: ScenarioOptions = {}): Scenario {
  const draw = new Draw(`scenario ${seed}`)
  const services = options.services ?? Math.round(draw.scale(1, draw.chance(0.1) ? 200 : 20))
  const validity = options.calm ? YEAR : drawValidity(draw)
  const bundleDays = options.calm ? 7 : draw.whole(1, 14)
  const issuing = options.calm ? 3 : Math.max(draw.whole(1, 3), Math.ceil(validity / YEAR))
  const root = options.calm ? 10 : issuing + draw.whole(0, 4)
  const file = configOf(draw, { services, validity, bundleDays, issuing, root, calm: options.calm ?? false })
  // How long a leaf lasts once it is due to be renewed, and a bundle: who is away longer has no right to be there.
  const budget = Math.min(validity * 0.25, (bundleDays * DAY) / 2)
  // So many steps that a mesh takes a second or two, whatever it is made of.
  const affordable = Math.max(0.01, (2 * Math.min(validity, DAY * 100)) / DAY / (services + 3))
  const never = Number.POSITIVE_INFINITY
  const years = options.years ?? Math.min(draw.scale(3, 15), affordable)
  // What happens a few times in the life of a mesh, however long that is.
  const seldom = (most: number) => (options.calm ? never : (years * YEAR) / draw.scale(most / 10, most))
  return {
    seed,
    file,
    years,
    peers: {
      trouble: options.calm ? never : draw.scale(2 * DAY, 200 * DAY),
      longest: draw.scale(HOUR, 3 * bundleDays * DAY),
      lag: draw.scale(SECOND / 10, Math.min(20 * SECOND, validity / 1000)),
    },
    authority: {
      crash: options.calm ? never : draw.scale(3 * DAY, 200 * DAY),
      longest: Math.min(budget * 0.8, draw.scale(MINUTE, 5 * DAY)),
      diskFull: options.calm ? never : draw.scale(5 * DAY, 200 * DAY),
    },
    elsewhere: [...file.services].flatMap(([name, { reload }]) =>
      reload === undefined && !options.calm && draw.chance(1 / 6) ? [name] : [],
    ),
    operator: options.calm ? never : draw.scale(10 * DAY, 400 * DAY),
    members: { edit: seldom(30), most: services + 3 },
    log: { down: seldom(10), putBack: seldom(3) },
    restores: { copy: seldom(60), loss: seldom(4), putBack: seldom(4) },
  }
}

/** From minutes to years. */
function drawValidity(draw: Draw): number {
  const [least, most] = draw.one([
    [30 * MINUTE, 10 * HOUR],
    [DAY, 14 * DAY],
    [14 * DAY, 200 * DAY],
    [200 * DAY, 400 * DAY],
    [YEAR, 3 * YEAR],
  ] as const)
  const drawn = draw.scale(least, most)
  return drawn < DAY ? Math.round(drawn / MINUTE) * MINUTE : Math.round(drawn / DAY) * DAY
}

interface Sizes {
  readonly services: number
  readonly validity: number
  readonly bundleDays: number
  readonly issuing: number
  readonly root: number
  readonly calm: boolean
}

function configOf(draw: Draw, { services, validity, bundleDays, issuing, root, calm }: Sizes): ConfigFile {
  const names = Array.from({ length: services }, (_, index) => `s${index}`)
  const allow = () => {
    if (draw.chance(0.7)) return {}
    return { allow: names.filter(() => draw.chance(0.5)) }
  }
  const rest = {
    trust_domain: 'mesh.internal',
    authority: {
      store_ca_keys_in_clear: true,
      bundle_days: bundleDays,
      issuing: { years: issuing },
      root: { years: root },
    },
    certificates: {
      key_algorithm: 'ecdsa-p256',
      validity_days: Math.max(1, Math.round(validity / DAY)),
      organization: 'Simulated',
      country: 'US',
    },
    paths: { ca_cert: '/mesh/certs/ca.crt', ca_key: '/mesh/certs/ca.key' },
  }
  const kind = (name: string) => (calm ? {} : drawReader(name, draw))
  const texts = names.map((name) => [name, { ...allow(), ...kind(name) }] as const)
  return new ConfigFile(new Map(texts), rest, validity)
}
