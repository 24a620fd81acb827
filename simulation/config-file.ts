import { type Config, parseConfig } from '@datapunk/protocol'

const DAY = 24 * 60 * 60 * 1000

/** What stands under the name of a service, key for key. */
export interface ServiceText {
  readonly allow?: readonly string[]
  readonly dns_names?: readonly string[]
  readonly ip_addresses?: readonly string[]
  readonly cert?: string
  readonly key?: string
  readonly delivery?: 'files'
  readonly reload?: readonly string[]
  readonly address?: string
}

/** The config file of a mesh, as whoever runs it edits it. Never changed, only replaced. */
export class ConfigFile {
  readonly services: ReadonlyMap<string, ServiceText>
  /** What it says, read by the real code. */
  readonly config: Config
  readonly #rest: Readonly<Record<string, unknown>>
  readonly #validity: number

  /**
   * @param rest all but the services
   * @param validity how long leaves live, milliseconds: the file knows whole days only
   * @throws ProtocolError as `parseConfig`
   */
  constructor(
    services: ReadonlyMap<string, ServiceText>,
    rest: Readonly<Record<string, unknown>>,
    validity: number,
  ) {
    this.services = services
    this.#rest = rest
    this.#validity = validity
    const text = JSON.stringify({ ...rest, services: Object.fromEntries(services) })
    this.config = withValidity(parseConfig(text, { file: '/mesh/mtls-config.yaml' }), validity)
  }

  /** The same file with a service put in, or changed. */
  with(service: string, text: ServiceText): ConfigFile {
    return this.#edited(new Map(this.services).set(service, text))
  }

  /** The same file without a service, and without its name where others let it call. */
  without(service: string): ConfigFile {
    const left = [...this.services].filter(([name]) => name !== service)
    return this.#edited(new Map(left.map(([name, text]) => [name, withoutCaller(text, service)])))
  }

  #edited(services: ReadonlyMap<string, ServiceText>): ConfigFile {
    return new ConfigFile(services, this.#rest, this.#validity)
  }
}

function withoutCaller(text: ServiceText, caller: string): ServiceText {
  return text.allow === undefined ? text : { ...text, allow: text.allow.filter((name) => name !== caller) }
}

function withValidity(config: Config, validity: number): Config {
  const validityDays = validity / DAY
  const services = new Map(
    [...config.services].map(([name, service]) => [name, { ...service, validityDays }]),
  )
  return { ...config, certificates: { ...config.certificates, validityDays }, services }
}
