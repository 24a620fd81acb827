import type { AuthorityEvent } from '../packages/authority/events/event.ts'
import type { Store } from '../packages/authority/store/contract.ts'
import type { Violated } from './violation.ts'

export interface RestoreWatched {
  readonly now: () => number
  readonly authority: { readonly store: Store }
  readonly violated: Violated
}

/** What is told after something was signed. */
const SIGNED: ReadonlySet<AuthorityEvent['kind']> = new Set([
  'bundle-published',
  'certificate-issued',
  'issuing-ca-created',
  'root-created',
  'trust-statement-published',
])

/**
 * 10. an inventory that is not the newest signs nothing once it can know: where newer files lie published, or a peer has shown
 *     more. What it has signed before is believed by nobody who has seen more (3). Whatever was published as revoked stays
 *     revoked, where that is on record still, or the published files are left.
 */
export class RestoreInvariants {
  readonly #watched: RestoreWatched
  /** What was signed by an inventory that was not the newest: digests of bundles, and serials. */
  readonly #forked = new Set<string>()
  #behind: 'files are newer' | 'files are older' | undefined
  #behindSince = 0
  /** When somebody went on from an inventory that was not the newest: that waits for nobody. */
  wentOnAt = Number.NEGATIVE_INFINITY
  /** Serials of leaves, and when they end: revoked, and then also published as such. */
  readonly #revoked = new Map<string, number>()
  readonly #published = new Map<string, number>()

  constructor(watched: RestoreWatched) {
    this.#watched = watched
  }

  get isBehind(): boolean {
    return this.#behind !== undefined
  }

  /** Serials of leaves that were published as revoked, and have not ended. */
  get revoked(): Iterable<string> {
    return this.#published.keys()
  }

  isForked(digestOrSerial: string): boolean {
    return this.#forked.has(digestOrSerial)
  }

  /** Whether what was read of the files then may be older than what had been read before: somebody has put them back. */
  isPutBack(readAt: number): boolean {
    return this.#behind === 'files are older' && readAt >= this.#behindSince
  }

  /** The inventory is older than what was published. @param whole and so are the files */
  fellBehind(whole: boolean): void {
    this.#behind = whole ? 'files are older' : 'files are newer'
    this.#behindSince = this.#watched.now()
    this.#revoked.clear()
  }

  /** The inventory is the newest again. */
  wentOn(): void {
    // What no record and no file tells any more is lost.
    if (this.#behind === 'files are older')
      for (const serial of this.#published.keys())
        if (!this.#isRevoked(serial)) this.#published.delete(serial)
    this.#behind = undefined
    this.wentOnAt = this.#watched.now()
  }

  published(digest: string): void {
    if (this.isBehind) this.#forked.add(digest)
    else for (const [serial, notAfter] of this.#revoked) this.#published.set(serial, notAfter)
    this.#revoked.clear()
  }

  issued(serial: string): void {
    if (this.isBehind) this.#forked.add(serial)
  }

  event({ kind, detail }: AuthorityEvent): void {
    const { authority, violated } = this.#watched
    if (kind === 'halted' && !this.isBehind) violated('was halted, and is the newest')
    if (kind === 'certificate-revoked') {
      const row = authority.store.certificate(detail.serial as string)
      if (row?.profile === 'leaf') this.#revoked.set(row.serial, row.notAfter)
    }
    if (!SIGNED.has(kind)) return
    if (authority.store.mesh()?.halted !== undefined) violated(`${kind}, and it is halted`)
    if (this.#behind === 'files are newer')
      violated(`${kind}, and what lies published is newer than the inventory`)
  }

  /** After a look of the authority that went well. */
  looked(): void {
    if (this.isBehind) return
    for (const [serial, notAfter] of this.#published) {
      if (notAfter <= this.#watched.now()) this.#published.delete(serial)
      else if (this.#isLost(serial)) continue
      else if (!this.#isRevoked(serial)) this.#watched.violated(`${serial} was revoked, and is not any more`)
    }
  }

  #isLost(serial: string): boolean {
    return this.#watched.authority.store.certificate(serial) === undefined
  }

  #isRevoked(serial: string): boolean {
    return this.#watched.authority.store.certificate(serial)?.state === 'revoked'
  }
}
