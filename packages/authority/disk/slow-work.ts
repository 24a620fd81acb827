/** What was written and is not on disk yet. */
export interface Unsynced {
  readonly files?: readonly string[]
  readonly folders: readonly string[]
}

/** What takes a disk its time: something is to be on it, or a folder to be gone. */
export type SlowWork = Unsynced | { readonly remove: string }
