import type { CompactTree, TreeRoot } from '@datapunk/tlog'
import { type AuditRecord, auditLeaf } from './audit-leaf.ts'

/**
 * The tree of the audit while the works of one commit add to it. What a work has added goes with it when it is undone, and
 * the edge is loaded and stored once for all of them.
 */
export class AuditEdge {
  readonly #load: () => CompactTree
  readonly #store: (tree: CompactTree) => void
  #tree: CompactTree | undefined
  #leaves: Uint8Array[] = []
  #before = 0

  constructor(load: () => CompactTree, store: (tree: CompactTree) => void) {
    this.#load = load
    this.#store = store
  }

  /** A work begins. */
  open(): void {
    this.#before = this.#leaves.length
  }

  /** What the work has added was never there. */
  undo(): void {
    this.#leaves.length = this.#before
  }

  /** @param write stores the entry; where it throws, nothing was added */
  add(unnumbered: Omit<AuditRecord, 'number'>, write: (record: AuditRecord, leaf: Uint8Array) => void): void {
    const record = { ...unnumbered, number: this.#loaded().size + this.#leaves.length + 1 }
    const leaf = auditLeaf(record)
    write(record, leaf)
    this.#leaves.push(leaf)
  }

  /** With what was added and is not stored yet. */
  tree(): TreeRoot {
    const tree = this.#loaded().copy()
    for (const leaf of this.#leaves) tree.append(leaf)
    return { size: tree.size, root: tree.root() }
  }

  /** Before the commit. */
  keep(): void {
    if (this.#tree === undefined || this.#leaves.length === 0) return
    for (const leaf of this.#leaves) this.#tree.append(leaf)
    this.#store(this.#tree)
  }

  /** After the commit, whatever became of it. */
  forget(): void {
    this.#tree = undefined
    this.#leaves = []
  }

  #loaded(): CompactTree {
    this.#tree ??= this.#load()
    return this.#tree
  }
}
