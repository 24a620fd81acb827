import { hash } from 'node:crypto'
import type { Signer } from '@datapunk/pki'
import { keyIdOf } from '@datapunk/protocol'
import {
  CHECKPOINT_PATH,
  compareTrees,
  follows,
  openCheckpoint,
  type ReadTile,
  type SignedCheckpoint,
  type TreeRoot,
  tilePath,
} from '@datapunk/tlog'
import type { CircuitBreaker } from './circuit-breaker.ts'
import { HeldTrees } from './held-trees.ts'
import { LogError } from './log-error.ts'
import { outdated, type ReadObject, readObject } from './reading/read-log.ts'
import { boundedBody, readUrl, reasonOf } from './reading/read-url.ts'
import { Rounds } from './rounds.ts'
import { authorityWord } from './serving/authority-word.ts'
import { keyOfLog } from './serving/log-description.ts'
import { readSctDocument } from './serving/sct-json.ts'
import { submissionBody } from './serving/submission-body.ts'
import type { SubmissionKind } from './transparency-log.ts'

/** Lends the bundle key in use, for as long as it takes to sign. */
export type AsAuthority = <Result>(use: (signer: Signer) => Promise<Result>) => Promise<Result>

export interface HttpLogOptions {
  /** Its submission prefix, as it names itself: `http://HOST:PORT/log/ID`. */
  readonly url: string
  readonly meshId: string
  readonly asAuthority: AsAuthority
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** One for this log, however often it is opened. */
  readonly breaker: CircuitBreaker
}

/** Octets of the largest answer: an SCT, what is wrong, or a description. */
const MAX_ANSWER = 64 * 1024

/**
 * A log that runs elsewhere, as another user. Nothing that it says is believed without its signature, and it can't take back
 * what it has signed: each checkpoint has to hold the one that was read before.
 */
export class HttpLog {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Its name in checkpoints. */
  readonly origin: string
  readonly #options: HttpLogOptions
  readonly #read: ReadObject
  readonly #held = new HeldTrees()
  /** One checkpoint after the other: of two that are read beside each other, neither would be held against the other. */
  readonly #checkpoints = new Rounds(() => this.#readCheckpoint())
  /** The newest checkpoint that was read. */
  #newest: SignedCheckpoint | undefined

  private constructor(options: HttpLogOptions, spki: Uint8Array) {
    this.#options = options
    this.spki = spki
    this.origin = options.url.replace(/^http:\/\//, '')
    this.#read = readUrl(options.url)
  }

  /** @throws LogError `LOG_UNREADABLE`; `LOG_WRONG` its key is not the one that its URL names */
  static async open(options: HttpLogOptions): Promise<HttpLog> {
    const { url, breaker } = options
    const { status, bytes } = await ask(breaker, `${url}/log.v3.json`)
    if (status === 200) return new HttpLog(options, keyOfLog(url, parsed(bytes)))
    throw new LogError('LOG_UNREADABLE', `found no log at ${url}: the server answered ${status}`)
  }

  /**
   * @param chain DER: the certificate or precertificate, and those above it, its issuer first; the root may be left out
   * @returns the SCT, as RFC 6962 3.2 encodes it; whoever asked checks it
   * @throws LogError `SUBMISSION_REFUSED`; `LOG_BUSY` when it can take no more just now; `LOG_UNREADABLE`, `LOG_WRONG`
   */
  async submit(chain: readonly Uint8Array[], kind: SubmissionKind = 'pre-chain'): Promise<Uint8Array> {
    const { url, meshId, clock, asAuthority, breaker } = this.#options
    const body = submissionBody(chain)
    const said = { meshId, log: keyIdOf(this.spki), kind, body: hash('sha256', body), at: clock() }
    const authorization = await asAuthority((signer) => authorityWord(said, signer))
    const headers = { authorization, 'content-type': 'application/json' }
    const post = { method: 'POST', headers, body }
    const { status, bytes } = await ask(breaker, `${url}/ct/v1/add-${kind}`, post)
    if (status === 200) return readSctDocument(parsed(bytes))
    throw refused(status, parsed(bytes))
  }

  /**
   * Whether it takes what stands under a root, by its own word.
   *
   * @param root DER
   * @throws LogError `LOG_UNREADABLE`
   */
  async takes(root: Uint8Array): Promise<boolean> {
    const { url, breaker } = this.#options
    const { status, bytes } = await ask(breaker, `${url}/ct/v1/get-roots`)
    const document = status === 200 ? parsed(bytes) : undefined
    const { certificates } = (document ?? {}) as { certificates?: unknown }
    return Array.isArray(certificates) && certificates.includes(Buffer.from(root).toString('base64'))
  }

  /**
   * An object that it shows to everybody, by its path; undefined where there is none. A checkpoint is one that holds the one
   * before.
   *
   * @throws LogError `LOG_UNREADABLE`, `LOG_WRONG`; TlogError as `openCheckpoint`
   */
  read(path: string): Promise<Uint8Array | undefined> {
    return path === CHECKPOINT_PATH ? this.#checkpoints.run() : this.#read(path)
  }

  /**
   * Whether the log began with this tree once, by proof. That it is silent now, or that a tile came that is not the log’s, is not
   * known to be a lie of it: then it says yes.
   */
  holds(tree: TreeRoot): Promise<boolean> {
    return this.#held.has(tree, (tree) => this.#holds(tree)).catch(() => true)
  }

  async close(): Promise<void> {}

  async #holds(tree: TreeRoot): Promise<boolean> {
    if ((this.#newest?.size ?? 0) < tree.size) await this.read(CHECKPOINT_PATH)
    const newest = this.#newest
    return newest !== undefined && follows(tree, newest, this.#readTile)
  }

  /** @throws LogError as `#checkAfter` */
  async #readCheckpoint(): Promise<Uint8Array | undefined> {
    const signed = await this.#read(CHECKPOINT_PATH)
    const next = signed && openCheckpoint(signed, this)
    const before = this.#newest
    if (before !== undefined) await this.#checkAfter(before, next)
    // Of one tree the first: since then it holds.
    if (next?.size !== before?.size) this.#newest = next
    return signed
  }

  /** @throws LogError `LOG_WRONG`; `LOG_UNREADABLE` it is an older one, which says nothing */
  async #checkAfter(before: SignedCheckpoint, next: SignedCheckpoint | undefined): Promise<void> {
    if (next !== undefined) {
      const found = await compareTrees(before, next, this.#readTile)
      if (found === 'follows') return
      if (found === 'outdated') throw outdated(before, next)
    }
    throw new LogError(
      'LOG_WRONG',
      `the log ${this.origin} has signed a tree of ${before.size} entries and now shows one of ${next?.size ?? 0} that does not hold it`,
    )
  }

  readonly #readTile: ReadTile = (tile) => readObject(this.#read, tilePath(tile))
}

interface Answer {
  readonly status: number
  readonly bytes: Uint8Array
}

/** @throws LogError `LOG_UNREADABLE` */
async function ask(breaker: CircuitBreaker, url: string, init: RequestInit = {}): Promise<Answer> {
  try {
    return await breaker.run(async (signal) => {
      const answer = await fetch(url, { ...init, redirect: 'error', signal })
      return { status: answer.status, bytes: await boundedBody(answer, MAX_ANSWER) }
    })
  } catch (cause) {
    throw new LogError(
      'LOG_UNREADABLE',
      `${url} can't be had: ${reasonOf(cause)}; see whether \`mtls log serve\` runs there`,
      { cause },
    )
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}

function refused(status: number, document: unknown): LogError {
  const { error_message: told } = (document ?? {}) as { error_message?: unknown }
  const why = typeof told === 'string' ? printable(told) : `it answered ${status}`
  if (status === 503 || status === 429) return new LogError('LOG_BUSY', why)
  if (status >= 400 && status < 500) return new LogError('SUBMISSION_REFUSED', why)
  return new LogError('LOG_UNREADABLE', why)
}

/** What another user's process says is shown to people: no line of it may look like one of ours. */
function printable(text: string): string {
  return text.slice(0, 500).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '?')
}
