import type { ConsoleMessage } from '@datapunk/protocol/console'
import { PageError } from '../page-error.ts'
import { readLines } from './lines.ts'

/** How the page stands with the console. */
export type Connection =
  | { readonly kind: 'connecting' }
  /** `lostFor`: milliseconds without it, where it is live again. */
  | { readonly kind: 'live'; readonly since: number; readonly lostFor: number | undefined }
  /** `reason`: what the console, or the page, says of it; undefined where it only broke off. */
  | { readonly kind: 'reconnecting'; readonly since: number; readonly reason: string | undefined }

export interface StreamOptions {
  /** Opens the stream. @throws PageError */
  readonly open: (signal: AbortSignal) => Promise<AsyncIterable<string>>
  readonly onMessage: (message: ConsoleMessage) => void
  readonly onConnection: (connection: Connection) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Calls once, after so many milliseconds. @returns takes the call back */
  readonly after: (delay: number, call: () => void) => () => void
  /** From 0 up to 1. */
  readonly random: () => number
}

/** Milliseconds without a word, after which the stream counts as dead: two beats were missed. */
export const SILENCE = 25_000
const FIRST_WAIT = 250
const LONGEST_WAIT = 4000

/** Milliseconds before the next attempt: twice as long each time, and up to half of it left out by lot. */
export function waitBefore(attempt: number, random: () => number): number {
  return Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(attempt, 10)) * (1 - random() / 2)
}

/**
 * Follows the mesh until the session ends, over every break of the connection.
 *
 * @throws PageError `SESSION_ENDED`
 */
export async function followStream(options: StreamOptions, ending?: AbortSignal): Promise<void> {
  const { onConnection, now, random } = options
  let lostAt: number | undefined
  let attempt = 0
  onConnection({ kind: 'connecting' })
  while (!ending?.aborted) {
    let reason: string | undefined
    try {
      await followOnce(options, ending, () => {
        onConnection({
          kind: 'live',
          since: now(),
          lostFor: lostAt === undefined ? undefined : now() - lostAt,
        })
        lostAt = undefined
        attempt = 0
      })
    } catch (error) {
      if (!(error instanceof PageError) || error.code === 'SESSION_ENDED') throw error
      reason = error.message
    }
    if (ending?.aborted) return
    lostAt ??= now()
    onConnection({ kind: 'reconnecting', since: lostAt, reason })
    await pause(options.after, waitBefore(attempt++, random), ending)
  }
}

/** Until it breaks off, or nothing is heard for too long. @param onOpen with the first line */
async function followOnce(
  { open, onMessage, after }: StreamOptions,
  ending: AbortSignal | undefined,
  onOpen: () => void,
): Promise<void> {
  const silence = new AbortController()
  const giveUp = () => silence.abort()
  ending?.addEventListener('abort', giveUp)
  let stopWatch = after(SILENCE, giveUp)
  let isFirst = true
  try {
    const lines = readLines(await open(silence.signal))
    for await (const line of lines) {
      stopWatch()
      stopWatch = after(SILENCE, giveUp)
      if (isFirst) onOpen()
      isFirst = false
      onMessage(messageIn(line))
    }
  } catch (error) {
    // An error that is not ours comes from a body that broke off.
    if (error instanceof PageError) throw error
  } finally {
    stopWatch()
    ending?.removeEventListener('abort', giveUp)
  }
}

function messageIn(line: string): ConsoleMessage {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new PageError('STREAM_MALFORMED', 'a line of the stream is no JSON', { cause })
  }
}

function pause(after: StreamOptions['after'], delay: number, ending?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      stop()
      ending?.removeEventListener('abort', end)
      resolve()
    }
    const stop = after(delay, end)
    ending?.addEventListener('abort', end)
  })
}
