import type { ToldEvent } from '@datapunk/authority'

/** How long it took until what was revoked was enforced, as the authority’s events tell it. */
export class EnforcedRevocations {
  /** By serial: when each was revoked that no bundle lists yet, or that one lists which is not enforced yet. */
  readonly #unpublished = new Map<string, number>()
  readonly #published = new Map<string, number>()
  readonly #after = new Map<string, number>()

  /** Milliseconds; undefined where it was not seen. */
  after(serial: string): number | undefined {
    return this.#after.get(serial)
  }

  /** Whether peers have yet to acknowledge it. */
  isPending(serial: string): boolean {
    return this.#unpublished.has(serial) || this.#published.has(serial)
  }

  event({ kind, at, detail }: ToldEvent): void {
    if (kind === 'certificate-revoked') this.#unpublished.set(String(detail.serial), Date.parse(at))
    else if (kind === 'bundle-published') this.#publish()
    else if (kind === 'bundle-enforced') this.#enforce(Date.parse(at))
  }

  #publish(): void {
    for (const [serial, at] of this.#unpublished) this.#published.set(serial, at)
    this.#unpublished.clear()
  }

  #enforce(at: number): void {
    for (const [serial, revokedAt] of this.#published) this.#after.set(serial, Math.max(0, at - revokedAt))
    this.#published.clear()
  }
}
