import { EMPTY_ROOT, type TreeRoot } from '@datapunk/tlog'

/** A thousand peers have seen the same few. */
const MAX_HELD = 256

/** Trees that are known to be part of a log. Only what was shown is kept: any other may be looked for again. */
export class HeldTrees {
  readonly #held = new Map<string, Promise<boolean>>()

  /**
   * @param find whether it is part of the log, where that is not known yet
   * @throws what `find` throws
   */
  async has(tree: TreeRoot, find: (tree: TreeRoot) => Promise<boolean>): Promise<boolean> {
    const { size, root } = tree
    if (size === 0) return Buffer.compare(root, EMPTY_ROOT) === 0
    const key = `${size} ${Buffer.from(root).toString('hex')}`
    const known = this.#held.get(key)
    if (known !== undefined) return known
    if (this.#held.size >= MAX_HELD) this.#held.clear()
    const held = find(tree)
    this.#held.set(key, held)
    if (!(await held.catch(() => false))) this.#held.delete(key)
    return held
  }
}
