/**
 * Where a log's objects lie: tiles, entries, staged rounds and the checkpoint, each under the path of C2SP tlog-tiles.
 *
 * Guarantees that every implementation gives:
 *
 * 1. **Durable.** When the promise of `write` resolves, all of its objects are on disk and survive a power cut.
 * 2. **Whole objects.** A reader sees an object as it was before or as it is now, never a part of it. Of several that one
 *    `write` names, any may be there and any not, until it resolves.
 * 3. **A failed `write` promises nothing**: each of its objects may be there or not.
 */
export interface LogStore {
  /** The octets, or undefined where there is no such object. */
  read(path: string): Promise<Uint8Array | undefined>
  /** Inserts or replaces. */
  write(objects: ReadonlyMap<string, Uint8Array>): Promise<void>
  /** Nothing happens where there is none; it need not be durable. */
  remove(path: string): Promise<void>
  /** Paths of the objects in a folder. */
  list(folder: string): Promise<readonly string[]>
}

/**
 * The last checkpoint, kept apart from the data: where those of yesterday were put back, the lock still names the newer
 * checkpoint, and no second one of that size is ever signed.
 *
 * Guarantees that every implementation gives:
 *
 * 1. **Compare and swap.** `replace` changes the checkpoint only where it is still the expected one, whoever else tries.
 * 2. **Durable and atomic.** When its promise resolves, the checkpoint and all of the receipts are on disk; when it fails,
 *    all of them are or none is, and nobody knows which before `checkpoint` is asked again.
 */
export interface CheckpointLock {
  /** The signed checkpoint, or undefined before the first. */
  checkpoint(): Promise<Uint8Array | undefined>
  /** @returns false, and nothing was changed, where the checkpoint is another one than was expected */
  replace(swap: {
    readonly expected: Uint8Array | undefined
    readonly next: Uint8Array
    /** What was answered for each entry, by its key. */
    readonly receipts: ReadonlyMap<string, Uint8Array>
  }): Promise<boolean>
  /** What was answered for the entry of that key. */
  receipt(key: string): Promise<Uint8Array | undefined>
}
