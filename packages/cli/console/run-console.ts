import { ConsoleError, type ConsoleServer, Sessions, serveConsole } from '@datapunk/console'
import { type Config, isLoopback, layoutOf, type OperatorConfig } from '@datapunk/protocol'
import { readConfigFile } from '../config/config-file.ts'
import { Certification } from './certification.ts'
import type { ConsoleChannel, ConsoleWorld } from './console-world.ts'
import { MeshSource } from './mesh-source.ts'
import type { FromConsole, ToConsole } from './messages.ts'
import { OperatorsEntrance } from './operators-entrance.ts'
import { OwnCertificate } from './own-certificate.ts'
import { sessionFile } from './session-file.ts'

type Serve = Extract<ToConsole, { type: 'serve' }>

interface Served {
  readonly server: ConsoleServer
  readonly sessions: Sessions
  readonly source: MeshSource
  /** Undefined on this machine alone. */
  readonly entrance: OperatorsEntrance | undefined
  readonly readOnly: boolean
}

/** Serves the console where `mtls up` says, until this process ends. */
export function runConsole(channel: ConsoleChannel, world: ConsoleWorld): void {
  new ConsoleProcess(channel, world)
}

class ConsoleProcess {
  readonly #channel: ConsoleChannel
  readonly #world: ConsoleWorld
  readonly #certification: Certification
  /** Kept from one place to the next, so that one that can't be had costs no certificate. */
  readonly #own: OwnCertificate
  #operators: readonly OperatorConfig[] = []
  #served: Served | undefined
  #moving: Promise<void> = Promise.resolve()

  constructor(channel: ConsoleChannel, world: ConsoleWorld) {
    this.#channel = channel
    this.#world = world
    this.#certification = new Certification(channel.send)
    this.#own = new OwnCertificate({ certify: this.#certification.certify, clock: world.clock })
    channel.onMessage((message) => this.#take(message as ToConsole))
  }

  #take(message: ToConsole): void {
    switch (message.type) {
      case 'serve':
        this.#moving = this.#moving.then(() => this.#move(message))
        return
      case 'operators':
        this.#operators = message.operators
        return
      case 'link':
        this.#channel.send(linkFor(message, this.#served))
        return
      case 'certified':
        this.#certification.certified(message.id, message.certificate)
        return
      case 'not-certified':
        this.#certification.refused(message.id, message.message)
    }
  }

  async #move(message: Serve): Promise<void> {
    await end(this.#served)
    this.#served = undefined
    try {
      this.#served = await this.#serve(message)
      this.#channel.send({ type: 'served', url: this.#served.server.url })
    } catch (error) {
      this.#channel.send({ type: 'not-served', message: failureText(error) })
    }
  }

  async #serve({ place, address, readOnly }: Serve): Promise<Served> {
    const { clock, randomBytes } = this.#world
    const config = readConfigFile(place)
    const sessions = new Sessions({
      ...{ clock, randomBytes },
      store: sessionFile(layoutOf(config).authority.consoleSessions),
      onNotKept: ({ message }) => this.#channel.send({ type: 'sessions-failed', message }),
    })
    const source = new MeshSource(config, this.#world)
    const { host, port = 0 } = address
    const entrance = isLoopback(host) ? undefined : await this.#entrance(config, readOnly)
    try {
      const server = await serveConsole({ source, sessions, clock, entrance, host, port })
      source.start()
      return { server, sessions, source, entrance, readOnly }
    } catch (error) {
      entrance?.close()
      throw error
    }
  }

  #entrance(config: Config, readOnly: boolean): Promise<OperatorsEntrance> {
    return OperatorsEntrance.open({
      ...{ config, readOnly },
      clock: this.#world.clock,
      own: this.#own,
      operators: () => this.#operators,
      onRefused: ({ rule, message, serial }, remote) =>
        this.#channel.send({ type: 'refused', rule, message, serial, remote }),
    })
  }
}

async function end(served: Served | undefined): Promise<void> {
  served?.source.stop()
  served?.entrance?.close()
  await served?.server.close()
}

function linkFor(
  { id, readOnly }: Extract<ToConsole, { type: 'link' }>,
  served: Served | undefined,
): FromConsole {
  if (served === undefined)
    return { type: 'no-link', id, message: 'it is not served yet; ask again in a second' }
  const { url } = served.server
  if (served.entrance !== undefined) return { type: 'link', id, url, endsAt: null }
  const { token, endsAt } = served.sessions.link({ readOnly: readOnly || served.readOnly })
  // After the #, so that it is in no request, no log and no referrer.
  return { type: 'link', id, url: `${url}/#${token}`, endsAt }
}

function failureText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const isPlace = error instanceof ConsoleError && error.code === 'LISTEN_FAILED'
  const allowed = isPlace ? '; allowed: a port that nobody has: change authority.console' : ''
  return `${message}${allowed}; it is tried again`
}
