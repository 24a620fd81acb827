import { lstatSync } from 'node:fs'
import type { Server } from 'node:http'
import { diskFailure } from '../disk/disk-failure.ts'
import type { Happening } from '../events/event.ts'
import { listenOnSocket } from './socket.ts'

/** Somebody may have removed it, and whoever comes then finds nobody; that is seen by then. Milliseconds. */
export const LOOK_EVERY = 5_000

export interface ServedSocketOptions {
  readonly path: string
  /** Permission bits: who may connect. */
  readonly mode: number
  /** Called before it is made. Where it throws, nothing at the path is touched: it may be somebody else’s by now. */
  readonly prepare: () => void
  /** Told when it was made again, and once of each reason why it can't be. */
  readonly told: (happening: Happening<'socket-renewed' | 'socket-failed'>) => void
}

/** A socket that a server listens on, made again where it is there no more; whoever is connected stays so. */
export class ServedSocket {
  readonly #server: Server
  readonly #options: ServedSocketOptions
  #made: string | undefined
  #failure = ''
  #looking: Promise<void> = Promise.resolve()
  readonly #timer: NodeJS.Timeout

  /** @throws AuthorityError `DISK_FAILED`; what `prepare` throws */
  static async open(server: Server, options: ServedSocketOptions): Promise<ServedSocket> {
    const socket = new ServedSocket(server, options)
    try {
      await socket.#make()
    } catch (error) {
      await socket.close()
      throw error
    }
    // A connection that could not be accepted, for want of files, is not the end of all the others.
    server.on('error', () => {})
    return socket
  }

  private constructor(server: Server, options: ServedSocketOptions) {
    this.#server = server
    this.#options = options
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look())
    }, LOOK_EVERY).unref()
  }

  /** Ends every connection, too. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #make(): Promise<void> {
    const { path, mode, prepare } = this.#options
    prepare()
    await listenOnSocket(this.#server, path, mode)
    this.#made = whatLiesAt(path)
  }

  async #look(): Promise<void> {
    const { path, told } = this.#options
    try {
      if (this.#made !== undefined && whatLiesAt(path) === this.#made) return
      this.#made = undefined
      await this.#make()
      this.#failure = ''
      told({ kind: 'socket-renewed', detail: { path } })
    } catch (cause) {
      const { message: error } = diskFailure(cause, path) as Error
      if (error === this.#failure) return
      this.#failure = error
      told({ kind: 'socket-failed', detail: { path, error } })
    }
  }
}

/** Another text for anything else; the number of what was removed is soon given to something new. */
function whatLiesAt(path: string): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  return stat && `${stat.dev} ${stat.ino} ${stat.birthtimeMs}`
}
