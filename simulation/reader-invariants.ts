import { type Certificate, decodePem, endOf, PkiError, parseCertificate, verifyPath } from '@datapunk/pki'
import type { RollWait } from '../packages/authority/planning/roll-step.ts'
import type { FileReader, Trusted } from './file-reader.ts'
import type { SimulatedAuthority } from './simulated-authority.ts'
import type { SimulatedPeer } from './simulated-peer.ts'
import { ago, RECOVERY, type Violated } from './violation.ts'

export interface ReaderWatched {
  readonly now: () => number
  readonly authority: SimulatedAuthority
  readonly readers: ReadonlyMap<string, FileReader>
  readonly violated: Violated
  /** Since when somebody could be reached by an authority that can work, and something has happened. */
  readonly reachedSince: (of: { readonly reachableSince: number }, happened: number) => number
}

interface Verified {
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * 11. services that read files: whoever was told serves the newest pair; it trusts every live peer, by the roots and the lists
 *     that it read last; its certificate does not end while it can be told, and what is revoked is on the list that it has read;
 *     a roll-over waits for whoever could not be told, and names it.
 */
export class ReaderInvariants {
  readonly #watched: ReaderWatched
  readonly #verified = new WeakMap<readonly Certificate[], Map<string, Verified | PkiError>>()

  constructor(watched: ReaderWatched) {
    this.#watched = watched
  }

  /** Those whose certificate has not ended by anybody's clock, and is not revoked. */
  live(at: number): FileReader[] {
    const { authority, readers, violated, reachedSince } = this.#watched
    const { clockSkew } = authority.config.authority
    return [...readers.values()].filter((reader) => {
      const { leaf, service, isDismissed } = reader
      if (leaf === undefined || isDismissed || !authority.config.services.has(service)) return false
      const row = authority.store.certificate(leaf.serial)
      const isOver = at + clockSkew > leaf.notAfter || row?.state === 'revoked'
      const since = reachedSince(reader, authority.store.revocation(leaf.serial)?.at ?? 0)
      if (isOver && at - since > RECOVERY)
        violated(`${service} could be told for ${ago(at - since)}, and its leaf ${leaf.serial} is over`, at)
      return !isOver
    })
  }

  leafOf(service: string): Certificate | undefined {
    return this.#watched.readers.get(service)?.leaf
  }

  /** It was told, and has read its files. */
  told(reader: FileReader, serial: string): void {
    const shown = reader.leaf?.serial
    if (shown !== serial)
      this.#watched.violated(`${reader.service} was told of ${serial}, and serves ${shown}`)
  }

  /** Whether a reader takes a peer, by path and list. @returns until when, milliseconds since the epoch */
  judge({ roots, revoked }: Trusted, { identity, service }: SimulatedPeer, at: number): number | string {
    const { leaf } = identity!
    if (revoked.has(leaf.serial)) return `its list says that the certificate of ${service} is revoked`
    const known = this.#verified.get(roots) ?? new Map<string, Verified | PkiError>()
    this.#verified.set(roots, known)
    const found = known.get(leaf.serial)
    if (found instanceof PkiError) return found.message
    if (found !== undefined && found.notBefore <= at && at < endOf(found.notAfter)) return found.notAfter
    try {
      const [, ...intermediates] = decodePem(identity!.credentials().cert, 'CERTIFICATE').map(
        parseCertificate,
      )
      const path = verifyPath({ leaf, intermediates, roots, at, usage: 'clientAuth' })
      known.set(leaf.serial, path)
      return path.notAfter
    } catch (error) {
      if (!(error instanceof PkiError)) throw error
      return error.message
    }
  }

  /** After a look that went well. @param revoked published as such, and not ended */
  looked(revoked: Iterable<string>): void {
    const { authority, readers, now, violated, reachedSince } = this.#watched
    const { store } = authority
    const signing = new Set(
      store.slots().flatMap(({ id, state }) => (state === 'active' || state === 'retiring' ? [id] : [])),
    )
    for (const serial of revoked) {
      if (!signing.has(store.certificate(serial)?.slot ?? '')) continue
      const since = store.revocation(serial)?.at ?? now()
      for (const reader of readers.values()) {
        if (
          reader.read === undefined ||
          reader.isDismissed ||
          now() - reachedSince(reader, since) <= RECOVERY
        )
          continue
        if (!reader.read.revoked.has(serial))
          violated(`${reader.service} has read no list with ${serial}, revoked ${ago(now() - since)}`)
      }
    }
  }

  /** Whether a roll-over stands still because of somebody who can't be told; then he has to be named. */
  isHeldUp(waits: readonly RollWait[], limit: number): boolean {
    const { readers, now, reachedSince } = this.#watched
    const late = new Set(waits.flatMap((wait) => wait.late.map(({ instance }) => instance)))
    return [...readers.values()].some(
      (reader) => late.has(reader.service) && now() - reachedSince(reader, 0) <= limit,
    )
  }
}
