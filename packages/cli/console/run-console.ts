import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { type ConsoleServer, Sessions, serveConsole } from '@datapunk/console'
import { type Config, layoutOf } from '@datapunk/protocol'
import { readConfigFile } from '../config-file.ts'
import type { World } from '../world.ts'
import { MeshSource } from './mesh-source.ts'
import type { FromConsole, ToConsole } from './messages.ts'

export interface ConsoleChannel {
  readonly send: (message: FromConsole) => void
  readonly onMessage: (listener: (message: unknown) => void) => void
}

export type ConsoleWorld = Pick<World, 'clock' | 'randomBytes' | 'uid'>

type Serve = Extract<ToConsole, { type: 'serve' }>

interface Served {
  readonly server: ConsoleServer
  readonly sessions: Sessions
  readonly source: MeshSource
  readonly readOnly: boolean
}

/** Serves the console where `mtls up` says, until this process ends. */
export function runConsole(channel: ConsoleChannel, world: ConsoleWorld): void {
  let served: Served | undefined
  let moving: Promise<void> = Promise.resolve()
  channel.onMessage((received) => {
    const message = received as ToConsole
    if (message.type === 'link') channel.send(linkFor(message, served))
    else {
      moving = moving.then(async () => {
        await end(served)
        served = undefined
        try {
          served = await serve(message, world)
          channel.send({ type: 'served', url: served.server.url })
        } catch (error) {
          channel.send({ type: 'not-served', message: failureText(error) })
        }
      })
    }
  })
}

async function serve({ place, address, readOnly }: Serve, world: ConsoleWorld): Promise<Served> {
  const { clock, randomBytes } = world
  const config = readConfigFile(place)
  const sessions = new Sessions({ clock, randomBytes, ...keptIn(config) })
  const source = new MeshSource(config, world)
  const { host, port = 0 } = address
  const server = await serveConsole({ source, sessions, clock, host, port })
  source.start()
  return { server, sessions, source, readOnly }
}

async function end(served: Served | undefined): Promise<void> {
  served?.source.stop()
  await served?.server.close()
}

function linkFor(
  { id, readOnly }: Extract<ToConsole, { type: 'link' }>,
  served: Served | undefined,
): FromConsole {
  if (served === undefined)
    return { type: 'no-link', id, message: 'it is not served yet; ask again in a second' }
  const { token, endsAt } = served.sessions.link({ readOnly: readOnly || served.readOnly })
  // After the #, so that it is in no request, no log and no referrer.
  return { type: 'link', id, url: `${served.server.url}/#${token}`, endsAt }
}

/** Sessions outlive a restart; what is written are their hashes. */
function keptIn(config: Config) {
  const file = layoutOf(config).authority.consoleSessions
  return {
    load: () => {
      try {
        return readFileSync(file, 'utf8')
      } catch {
        return undefined
      }
    },
    save: (text: string) => {
      writeFileSync(`${file}.next`, text, { mode: 0o600 })
      renameSync(`${file}.next`, file)
    },
  }
}

function failureText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return `${message}; allowed: a port that nobody has: change authority.console; it is tried again`
}
