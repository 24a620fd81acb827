/** Where sessions are kept, so that a restart logs nobody out. Each throws what the system says. */
export interface SessionStore {
  /** Path of the file, for people. */
  readonly place: string
  /** What was saved last; undefined where nothing was, or it was cleared, or can't be read. */
  load(): string | undefined
  save(text: string): void
  /** Takes back what was saved. That needs no room on a disk. */
  clear(): void
}

/** A restart logs everybody out. */
export const noStore: SessionStore = { place: 'memory', load: () => undefined, save() {}, clear() {} }
