import { messageOf, PageError } from '../page-error.ts'
import type { PageMessage } from '../page-state.ts'
import { type Call, callsOf, piecesOf } from './call.ts'
import { enter, leave, type SessionPlace, shutEntry } from './session.ts'
import { followStream, type StreamOptions } from './stream.ts'

export interface PageSessionOptions extends Pick<StreamOptions, 'now' | 'after' | 'random'> {
  readonly place: SessionPlace
  readonly send: (message: PageMessage) => void
}

/** The session that is open in the page, if one is. */
export class PageSession {
  readonly #options: PageSessionOptions
  #call = callsOf('')
  /** Ends with it. */
  #ending = new AbortController()

  constructor(options: PageSessionOptions) {
    this.#options = options
  }

  readonly call: Call = (path, options) => this.#call(path, options)

  /** Lets in whoever came by a link, or was here before, and follows the mesh until the session ends. */
  async begin(): Promise<void> {
    const { place, send, ...options } = this.#options
    this.#ending.abort()
    this.#ending = new AbortController()
    const { signal } = this.#ending
    const entry = await enter(place, signal)
    if (entry === undefined) return
    if (entry.kind === 'open') this.#call = callsOf(entry.session.session)
    send({ type: 'entry', entry })
    if (entry.kind !== 'open') return
    try {
      await followStream(
        {
          ...options,
          open: async (stop) => piecesOf(await this.#call('/api/stream', { signal: stop })),
          onMessage: (message) => send({ type: 'said', message, at: options.now() }),
          onConnection: (connection) => send({ type: 'connection', connection }),
        },
        signal,
      )
    } catch (error) {
      if (!(error instanceof PageError)) throw error
      if (!signal.aborted) this.end(messageOf(error))
    }
  }

  /** @param reason why nobody is let in any more; undefined: he has logged out */
  readonly end = (reason: string | undefined): void => {
    const { place, send } = this.#options
    this.#ending.abort()
    leave(place)
    send({ type: 'entry', entry: shutEntry(place, reason) })
  }
}
