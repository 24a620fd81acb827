/** An event as it is told to people and programs: what `mtls up --json` prints. */
export interface ToldEvent {
  readonly kind: string
  /** The service, `mesh`, or `authority`. */
  readonly subject: string
  /** RFC 3339, UTC, to the millisecond. */
  readonly at: string
  readonly detail: Readonly<Record<string, unknown>>
}

/** An event, and where it stands in the book of the authority that tells it. */
export interface KeptEvent {
  /** `BOOK.NUMBER`: whoever shows it is told what came after. */
  readonly position: string
  readonly event: ToldEvent
}

/** A day of a mesh of a hundred services; some 300 bytes each. What is older is in the audit, as far as it changed anything. */
const KEPT = 1000

/** The last events of a running authority, for whoever comes later. */
export class EventBook {
  readonly #id: string
  readonly #kept: KeptEvent[] = []
  readonly #listeners = new Set<(event: KeptEvent) => void>()
  #next = 1

  /** @param id of this run of the authority, without a dot: no other book has it */
  constructor(id: string) {
    this.#id = id
  }

  add(event: ToldEvent): void {
    const kept = { position: `${this.#id}.${this.#next++}`, event }
    this.#kept.push(kept)
    if (this.#kept.length > KEPT) this.#kept.shift()
    for (const listener of this.#listeners) listener(kept)
  }

  /**
   * What is kept and came after a position; all of it where that is of another book, nobody’s, or yet to come.
   *
   * @param position as in `KeptEvent`
   */
  after(position: string | null): readonly KeptEvent[] {
    const [id, number] = position?.split('.') ?? []
    if (id !== this.#id || Number(number) >= this.#next) return [...this.#kept]
    return this.#kept.slice(Math.max(0, this.#kept.length - (this.#next - 1 - Number(number))))
  }

  /** Calls with each event from now on. @returns takes it back */
  onEvent(listener: (event: KeptEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/**
 * How many events came between two that somebody was told one after the other: those that were kept no longer when it was their turn.
 * Of another book nothing was told before it.
 *
 * @param before position of the earlier one; null: there was none, and nothing was missed
 */
export function missedBetween(before: string | null, { position }: KeptEvent): number {
  if (before === null) return 0
  const [[book, earlier], [own, number]] = [before.split('.'), position.split('.')]
  return Number(number) - 1 - (book === own ? Number(earlier) : 0)
}
