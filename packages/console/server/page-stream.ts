import type { ServerResponse } from 'node:http'
import type { ConsoleMessage } from '@datapunk/protocol/console'
import { ConsoleError } from '../error.ts'
import { safeHeaders } from './answer.ts'
import { type Coding, codingHeaders, encoder } from './coding.ts'
import type { LiveView } from './live-view.ts'

/** Milliseconds. A page that has heard nothing for longer than two takes its stream for dead. */
export const BEAT_EVERY = 10_000

/** Pages open at once: in all, and of one session. Each costs a look's worth of memory. */
const MAX_STREAMS = 64
const MAX_STREAMS_OF_ONE = 8

/** Whoever has not read so many octets is told nothing more, and may come again. */
const MAX_UNREAD = 4 * 1024 * 1024

/** Every open page, and what is told to it. */
export class PageStreams {
  readonly #live: LiveView
  readonly #clock: () => number
  /** By session. */
  readonly #open = new Map<string, Set<ServerResponse>>()

  constructor(live: LiveView, clock: () => number) {
    this.#live = live
    this.#clock = clock
  }

  /**
   * Tells a page what there is, and then what changes, a JSON object a line, until it goes or its session ends.
   *
   * @param isGood whether its session still is
   * @throws ConsoleError `TOO_MANY_STREAMS`
   */
  open(response: ServerResponse, session: string, isGood: () => boolean, coding: Coding): void {
    const own = this.#roomFor(session)
    own.add(response)
    response.writeHead(200, {
      ...safeHeaders,
      'content-type': 'application/x-ndjson',
      ...codingHeaders(coding),
    })
    const encoding = encoder(coding)
    encoding?.pipe(response)
    const out = encoding ?? response
    const tell = (message: ConsoleMessage) => {
      out.write(`${JSON.stringify(message)}\n`)
      if (out.writableLength + response.writableLength > MAX_UNREAD) response.destroy()
    }
    const beat = setInterval(() => {
      if (isGood()) tell({ type: 'beat', at: this.#clock() })
      else response.destroy()
    }, BEAT_EVERY)
    tell({ type: 'beat', at: this.#clock() })
    const stop = this.#live.watch(tell)
    response.once('close', () => {
      clearInterval(beat)
      stop()
      out.destroy()
      own.delete(response)
      if (own.size === 0) this.#open.delete(session)
    })
  }

  /** Of one session: it was logged out. */
  end(session: string): void {
    for (const response of this.#open.get(session) ?? []) response.destroy()
  }

  endAll(): void {
    for (const session of this.#open.keys()) this.end(session)
  }

  #roomFor(session: string): Set<ServerResponse> {
    const own = this.#open.get(session) ?? new Set()
    const all = [...this.#open.values()].reduce((sum, { size }) => sum + size, 0)
    if (own.size >= MAX_STREAMS_OF_ONE || all >= MAX_STREAMS)
      throw new ConsoleError(
        'TOO_MANY_STREAMS',
        `found ${own.size} open pages of this session, and ${all} in all; allowed: ${MAX_STREAMS_OF_ONE} and ${MAX_STREAMS}. Close one`,
      )
    this.#open.set(session, own)
    return own
  }
}
