import { createHash } from 'node:crypto'
import type { ConsoleSession } from '@datapunk/protocol/console'
import { z } from 'zod'
import type { Visitor } from '../entrance.ts'
import { ConsoleError } from '../error.ts'
import { noStore, type SessionStore } from './session-store.ts'

export interface SessionsOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly randomBytes: (length: number) => Uint8Array
  /** In memory alone unless given. */
  readonly store?: SessionStore
  /** Told each time that sessions can't be kept, with what that means. */
  readonly onNotKept?: (error: ConsoleError) => void
}

/** What a session may do. */
export interface SessionRights {
  readonly readOnly: boolean
}

/** A link for one login. */
export interface ConsoleLinkToken {
  /** 32 random octets, base64url. */
  readonly token: string
  readonly endsAt: number
}

interface Kept extends SessionRights {
  readonly endsAt: number
}

interface KeptSession extends Kept {
  /** Whose it is; null: of whoever came by a link. */
  readonly operator: string | null
}

/** Milliseconds. */
export const LINK_LIFE = 5 * 60 * 1000
export const SESSION_LIFE = 12 * 60 * 60 * 1000

/** People with a browser each; the oldest goes. */
const MAX_LINKS = 32

/** Of one operator, or of all who came by a link: what anybody does ends no session of somebody else. */
const MAX_SESSIONS_OF_ONE = 64

const SECRET_SIZE = 32

/** Who may come in. Kept of each secret is its hash alone: what is read here, or on disk, lets nobody in. */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #store: SessionStore
  readonly #links = new Map<string, Kept>()
  readonly #sessions: Map<string, KeptSession>

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#store = options.store ?? noStore
    this.#sessions = readSessions(this.#store.load())
  }

  /** A link that lets one browser in, once, within five minutes. */
  link(rights: SessionRights): ConsoleLinkToken {
    const token = this.#secret()
    const endsAt = this.#options.clock() + LINK_LIFE
    this.#links.set(hashOf(token), { ...rights, endsAt })
    dropOldest(this.#links, [...this.#links.keys()], MAX_LINKS)
    return { token, endsAt }
  }

  /** @throws ConsoleError `LINK_INVALID` it was used, has ended, or never was */
  logIn(token: string): ConsoleSession {
    const link = this.#take(this.#links, token)
    if (link === undefined)
      throw new ConsoleError(
        'LINK_INVALID',
        'found a link that was used before, or is older than five minutes; allowed: a new one, which `mtls console` prints',
      )
    return this.#begin({ readOnly: link.readOnly, operator: null })
  }

  /** The certificate has shown already who it is. */
  logInOperator({ operator, readOnly }: Visitor): ConsoleSession {
    return this.#begin({ readOnly, operator })
  }

  /**
   * What a session may do; undefined where there is none, or no more, or it is somebody else's.
   *
   * @param visitor who asks with it; undefined: somebody on this machine
   */
  find(session: string, visitor: Visitor | undefined): SessionRights | undefined {
    const kept = this.#sessions.get(hashOf(session))
    if (kept === undefined || kept.endsAt <= this.#options.clock()) return undefined
    if (kept.operator !== (visitor?.operator ?? null)) return undefined
    // Neither outlives its right to do things, nor gets one without a login.
    return { readOnly: kept.readOnly || visitor?.readOnly === true }
  }

  /**
   * Ends a session, whatever the disk says: where that can't be written down, everybody's end with the next start of the console.
   *
   * @throws ConsoleError `SESSIONS_NOT_KEPT` the session has ended now; and what becomes of it, and of the others, then
   */
  logOut(session: string): void {
    if (!this.#sessions.delete(hashOf(session))) return
    try {
      this.#save()
    } catch (cause) {
      throw this.#notKept(this.#cleared(), cause)
    }
  }

  #begin(rights: Pick<KeptSession, 'readOnly' | 'operator'>): ConsoleSession {
    const session = this.#secret()
    const endsAt = this.#options.clock() + SESSION_LIFE
    this.#sessions.set(hashOf(session), { ...rights, endsAt })
    dropOldest(this.#sessions, this.#sessionsOf(rights.operator), MAX_SESSIONS_OF_ONE)
    try {
      this.#save()
    } catch (cause) {
      // A full disk is a reason to look at the console.
      this.#notKept('Whoever logs in now is logged out by its next start', cause)
    }
    return { session, readOnly: rights.readOnly, endsAt }
  }

  #sessionsOf(operator: string | null): string[] {
    return [...this.#sessions].filter(([, kept]) => kept.operator === operator).map(([hash]) => hash)
  }

  #take(from: Map<string, Kept>, secret: string): Kept | undefined {
    const hash = hashOf(secret)
    const kept = from.get(hash)
    from.delete(hash)
    return kept !== undefined && kept.endsAt > this.#options.clock() ? kept : undefined
  }

  #secret(): string {
    return Buffer.from(this.#options.randomBytes(SECRET_SIZE)).toString('base64url')
  }

  #save(): void {
    const now = this.#options.clock()
    for (const [hash, { endsAt }] of this.#sessions) if (endsAt <= now) this.#sessions.delete(hash)
    this.#store.save(JSON.stringify([...this.#sessions]))
  }

  /** @returns what becomes of the sessions with the next start of the console */
  #cleared(): string {
    try {
      this.#store.clear()
      return 'You are logged out. Its next start logs out everybody'
    } catch {
      return `You are logged out until its next start, which would let you in again: \`rm ${this.#store.place}\` before that`
    }
  }

  #notKept(outcome: string, cause: unknown): ConsoleError {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const error = new ConsoleError(
      'SESSIONS_NOT_KEPT',
      `the console can’t write down who is logged in: ${reason}. ${outcome}. Allowed: a disk that takes ${this.#store.place}`,
      { cause },
    )
    this.#options.onNotKept?.(error)
    return error
  }
}

/** @param hashes the oldest first; of one more than there may be it goes */
function dropOldest(kept: Map<string, unknown>, hashes: readonly string[], most: number): void {
  const [oldest] = hashes
  if (oldest !== undefined && hashes.length > most) kept.delete(oldest)
}

/** To look for a hash tells nobody anything about the secret. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

const keptSessions = z.array(
  z.tuple([
    z.string().regex(/^[0-9a-f]{64}$/),
    z.object({ readOnly: z.boolean(), endsAt: z.number(), operator: z.string().nullable() }),
  ]),
)

/** What can't be read lets nobody in. */
function readSessions(text: string | undefined): Map<string, KeptSession> {
  try {
    return new Map(keptSessions.parse(JSON.parse(text ?? '[]')))
  } catch {
    return new Map()
  }
}
