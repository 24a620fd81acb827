/** What is to be logged, before its place in the log is known. */
export interface Candidate {
  /** The same for the same thing, however often it is submitted. */
  readonly key: string
  /** Objects that are there before the entry is, by path. */
  readonly attachments: ReadonlyMap<string, Uint8Array>
  /**
   * @param index of its leaf
   * @param timestamp milliseconds since the epoch
   */
  entryAt(index: number, timestamp: number): Promise<Entry>
}

export interface Entry {
  /** What the leaf is the hash of. */
  readonly leaf: Uint8Array
  /** As it lies in the data tile, with its own length. */
  readonly record: Uint8Array
  /** What whoever submitted it is answered. */
  readonly receipt: Uint8Array
}
