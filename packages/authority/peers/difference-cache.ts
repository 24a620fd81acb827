import { sectionDifference } from '@datapunk/protocol'

/** Differences between sections: every peer needs the same few. */
export class DifferenceCache {
  readonly #differences = new Map<string, Uint8Array | undefined>()

  /**
   * @param from digest of the earlier section, @param to that of the later one
   * @param base the earlier one, where it is still there
   * @returns undefined where the later one itself would be as short, or the earlier one is gone
   */
  of(from: string, to: string, base: () => Uint8Array | undefined, next: Uint8Array): Uint8Array | undefined {
    const key = `${from} ${to}`
    if (!this.#differences.has(key)) {
      if (this.#differences.size >= 8) this.#differences.clear()
      const before = base()
      this.#differences.set(key, before && sectionDifference(before, next))
    }
    return this.#differences.get(key)
  }
}
