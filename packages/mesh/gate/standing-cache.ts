import { endOf, type Usage } from '@datapunk/pki'
import type { Standing } from './standing.ts'

/** 4,096 peers of about 6 kB each; a mesh with more callers than that per process examines some of them again. */
const MAX_ENTRIES = 4096

/**
 * What was found out about certificates, by their SHA-256. It belongs to one view, so an answer never outlives the bundle
 * and the trust statement it was given under. Only good answers are kept: a bad one may become good with time, and
 * strangers must not be able to push the members out.
 */
export class StandingCache {
  readonly #entries = new Map<string, Standing>()

  /** Something has changed that belongs to no view: everyone is examined anew. */
  forget(): void {
    this.#entries.clear()
  }

  /**
   * The cached standing, or a fresh one.
   *
   * @param fingerprint of the certificate
   * @param at milliseconds since the epoch
   */
  of(fingerprint: string, usage: Usage, at: number, examine: () => Standing): Standing {
    const key = usage + fingerprint
    const known = this.#entries.get(key)
    if (known !== undefined && known.notBefore <= at && at < endOf(known.notAfter)) return known
    this.#entries.delete(key)
    const standing = examine()
    if (this.#entries.size >= MAX_ENTRIES) this.#entries.delete(this.#entries.keys().next().value as string)
    this.#entries.set(key, standing)
    return standing
  }
}
