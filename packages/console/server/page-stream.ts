import type { ServerResponse } from 'node:http'
import { ConsoleError } from '../error.ts'
import { safeHeaders } from './answer.ts'
import { type Coding, codingHeaders, encoder } from './coding.ts'
import type { LiveView } from './live-view.ts'
import { PageFeed } from './page-feed.ts'

/** Milliseconds. A page that has heard nothing for longer than two takes its stream for dead. */
export const BEAT_EVERY = 10_000

/**
 * Pages open at once: in all, of one operator (or of all who came by a link), and of one session. Each costs a look's worth of
 * memory. All is more than some operators have together, so that none of them keeps another out.
 */
const MAX_STREAMS = 256
const MAX_STREAMS_OF_OPERATOR = 32
const MAX_STREAMS_OF_SESSION = 8

export interface PageOwner {
  readonly session: string
  /** Undefined: whoever came by a link. */
  readonly operator: string | undefined
}

interface OwnPages extends PageOwner {
  readonly pages: Set<ServerResponse>
}

/** Every open page, and what is told to it. */
export class PageStreams {
  readonly #live: LiveView
  readonly #clock: () => number
  /** By session. */
  readonly #open = new Map<string, OwnPages>()

  constructor(live: LiveView, clock: () => number) {
    this.#live = live
    this.#clock = clock
  }

  /**
   * Tells a page what there is, and then what changes, a JSON object a line, until it goes or its session ends, or it reads none of that
   * from one beat to the next.
   *
   * @param isGood whether its session still is
   * @throws ConsoleError `TOO_MANY_STREAMS`
   */
  open(response: ServerResponse, owner: PageOwner, isGood: () => boolean, coding: Coding): void {
    const own = this.#roomFor(owner)
    own.add(response)
    response.writeHead(200, {
      ...safeHeaders,
      'content-type': 'application/x-ndjson',
      ...codingHeaders(coding),
    })
    const encoding = encoder(coding)
    encoding?.pipe(response)
    const out = encoding ?? response
    const feed = new PageFeed(out, () => response.destroy())
    const beat = setInterval(() => {
      if (isGood() && !feed.isStuck()) feed.tell({ type: 'beat', at: this.#clock() })
      else response.destroy()
    }, BEAT_EVERY)
    feed.tell({ type: 'beat', at: this.#clock() })
    const stop = this.#live.watch((message) => feed.tell(message))
    response.once('close', () => {
      clearInterval(beat)
      stop()
      out.destroy()
      own.delete(response)
      if (own.size === 0) this.#open.delete(owner.session)
    })
  }

  /** Of one session: it was logged out. */
  end(session: string): void {
    for (const response of this.#open.get(session)?.pages ?? []) response.destroy()
  }

  endAll(): void {
    for (const session of this.#open.keys()) this.end(session)
  }

  #roomFor({ session, operator }: PageOwner): Set<ServerResponse> {
    const all = [...this.#open.values()]
    const own = this.#open.get(session)?.pages ?? new Set()
    const found = [own.size, count(all.filter((one) => one.operator === operator)), count(all)]
    const allowed = [MAX_STREAMS_OF_SESSION, MAX_STREAMS_OF_OPERATOR, MAX_STREAMS]
    if (found.some((number, index) => number >= allowed[index]!))
      throw new ConsoleError(
        'TOO_MANY_STREAMS',
        `found open pages: ${listText(found)}; allowed: ${listText(allowed)}. Close one`,
      )
    this.#open.set(session, { session, operator, pages: own })
    return own
  }
}

function count(all: readonly OwnPages[]): number {
  return all.reduce((sum, { pages }) => sum + pages.size, 0)
}

function listText([session, operator, all]: readonly number[]): string {
  return `${session} of this session, ${operator} of this operator, ${all} in all`
}
