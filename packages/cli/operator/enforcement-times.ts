import type { AuthorityEvent } from '@datapunk/authority'

export interface EnforcementListener {
  readonly isAnyoneLive: () => boolean
  /** @param after milliseconds from the signature of a bundle to its last acknowledgement */
  readonly bundleEnforced: (after: number) => void
  /** @param after milliseconds from the first revocation that was not enforced to that */
  readonly revocationEnforced: (after: number) => void
}

/** Learns from the authority's events how long it took until what was published, or revoked, was enforced. */
export class EnforcementTimes {
  readonly #listener: EnforcementListener
  /** When the first was revoked that no bundle lists yet, and the first that one lists which is not enforced yet. */
  #unpublished: number | undefined
  #unenforced: number | undefined

  constructor(listener: EnforcementListener) {
    this.#listener = listener
  }

  event(event: AuthorityEvent): void {
    if (event.kind === 'certificate-revoked') this.#unpublished ??= event.at
    else if (event.kind === 'bundle-published') this.#published()
    else if (event.kind === 'bundle-enforced') this.#enforced(event.at, event.detail.after)
  }

  /** Where nobody is live nobody has to enforce it, and whoever comes later has it from the start. */
  #published(): void {
    this.#unenforced ??= this.#listener.isAnyoneLive() ? this.#unpublished : undefined
    this.#unpublished = undefined
  }

  #enforced(at: number, after: number): void {
    this.#listener.bundleEnforced(after)
    if (this.#unenforced !== undefined) this.#listener.revocationEnforced(Math.max(0, at - this.#unenforced))
    this.#unenforced = undefined
  }
}
