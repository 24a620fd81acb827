/** What `verifyAudit` found wrong. Numbers are those of entries; `to` is the last one that it is about. */
export type AuditFault =
  /** These are not what their hashes say. */
  | { readonly kind: 'changed'; readonly from: number; readonly to: number }
  /** These were written, and are not there. */
  | { readonly kind: 'missing'; readonly from: number; readonly to: number }
  /** These are there, and were not written by the authority. */
  | { readonly kind: 'inserted'; readonly from: number; readonly to: number }
  /** What stands at `from` was written as number `was`. */
  | { readonly kind: 'moved'; readonly from: number; readonly to: number; readonly was: number }
  /**
   * Somewhere in these something was changed, put in or taken out, and its hash with it: up to `from` the audit is what it was,
   * at `to` it is not what `bundle` says (undefined: what the inventory says of its last entry).
   */
  | { readonly kind: 'rewritten'; readonly from: number; readonly to: number; readonly bundle?: string }
  /** What the inventory keeps of the audit at this bundle was changed, and the entries up to there were not. */
  | { readonly kind: 'checkpoint'; readonly from: number; readonly to: number; readonly bundle: string }
  /** `bundle` is published, was made after entry `to`, and is not on record: the inventory is not the newest of its mesh. */
  | { readonly kind: 'behind'; readonly from: number; readonly to: number; readonly bundle: string }
