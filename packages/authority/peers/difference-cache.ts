import { sectionDifference } from '@datapunk/protocol'

/** Two sections of one kind, by their digests. */
export interface SectionStep {
  readonly kind: string
  readonly from: string
  readonly to: string
}

/** Differences between sections: every peer needs the same few. */
export class DifferenceCache {
  readonly #differences = new Map<string, Uint8Array | undefined>()

  /**
   * @param base gives the earlier one, where it is still there
   * @param next the later one
   * @returns undefined where the later one itself would be as short, or the earlier one is gone
   */
  of(
    { kind, from, to }: SectionStep,
    base: () => Uint8Array | undefined,
    next: Uint8Array,
  ): Uint8Array | undefined {
    const key = `${from} ${to}`
    if (!this.#differences.has(key)) {
      if (this.#differences.size >= 8) this.#differences.clear()
      const before = base()
      this.#differences.set(key, before && sectionDifference(kind, before, next))
    }
    return this.#differences.get(key)
  }
}
