import { sha256 } from '@datapunk/pki'
import { type AuthorityMessage, applySectionDifference, type SectionRef } from '@datapunk/protocol'

/** A head has few sections that change. */
const MAX_KEPT = 8

/**
 * Differences of sections, sent ahead of the head that names what they yield. They are a hint: one that does not yield just that
 * is dropped, and the section is fetched.
 */
export class SectionsAhead {
  readonly #kept = new Map<string, { readonly base: string; readonly difference: Uint8Array }>()

  /** The oldest gives way: its head was read by now, or never came. */
  keep({ digest, base, difference }: Omit<AuthorityMessage & { type: 'section' }, 'type'>): void {
    const [oldest] = this.#kept.keys()
    if (this.#kept.size >= MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    this.#kept.set(digest, { base, difference })
  }

  /** The section itself, where what went ahead makes it from this base. Each is taken once. */
  take(
    { digest, size }: Pick<SectionRef, 'digest' | 'size'>,
    base: { readonly digest: string; readonly bytes: Uint8Array } | undefined,
  ): Uint8Array | undefined {
    const ahead = this.#kept.get(digest)
    this.#kept.delete(digest)
    if (ahead === undefined || ahead.base !== base?.digest) return undefined
    try {
      const bytes = applySectionDifference(base.bytes, ahead.difference, size)
      return Buffer.from(sha256(bytes)).toString('hex') === digest ? bytes : undefined
    } catch {
      return undefined
    }
  }
}
