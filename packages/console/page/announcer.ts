/** Milliseconds between two sentences: a screen reader reads each to its end. */
const APART = 3000

/** Says what happens, by way of a live region; what comes too soon is said together. */
export class Announcer {
  readonly #region: { textContent: string | null }
  readonly #after: (delay: number, call: () => void) => void
  #held: string[] = []
  #isWaiting = false

  constructor(region: { textContent: string | null }, after: (delay: number, call: () => void) => void) {
    this.#region = region
    this.#after = after
  }

  say(sentence: string): void {
    this.#held.push(sentence)
    if (!this.#isWaiting) this.#speak()
  }

  #speak(): void {
    this.#isWaiting = this.#held.length > 0
    if (!this.#isWaiting) return
    // Of a flood, the last ones are true now.
    this.#region.textContent = this.#held.slice(-3).join(' ')
    this.#held = []
    this.#after(APART, () => this.#speak())
  }
}
