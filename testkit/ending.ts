/**
 * What has been put up for a test and is to be taken down again: the last first, because it stands on what was there
 * before it. All of it is, also where one of the deeds fails: what is left open keeps the process of the test alive.
 */
export class Ending {
  readonly #deeds = new AsyncDisposableStack()

  add(deed: () => unknown): void {
    this.#deeds.defer(async () => void (await deed()))
  }

  /** @throws what a deed has thrown, once all of them are done; of several a `SuppressedError` */
  async end(): Promise<void> {
    await this.#deeds.disposeAsync()
  }
}

/** What `t.after` is asked of; a `TestContext`, for example. */
interface Finite {
  after(deed: () => Promise<void>): void
}

const endings = new WeakMap<Finite, Ending>()

/** Does the deed when the test is over, as {@link Ending} says; `t.after` would do the first one first, and stop where it fails. */
export function atEnd(t: Finite, deed: () => unknown): void {
  const ending = endings.get(t) ?? new Ending()
  ending.add(deed)
  if (endings.has(t)) return
  endings.set(t, ending)
  t.after(() => ending.end())
}
