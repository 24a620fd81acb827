import { type Path, valueAt } from './value-path.ts'

/** Values that were found wrong, by their paths in what was read; what comes after one in a list has another place without it. */
export class LeftOut {
  readonly #paths = new Map<string, Path>()
  /** All of them, and what holds them. */
  readonly #keys = new Set<string>()
  /** Of each list, in order. */
  readonly #indexes = new Map<string, number[]>()

  add(path: Path): void {
    if (this.#paths.has(pathKey(path))) return
    this.#paths.set(pathKey(path), path)
    for (let end = 0; end <= path.length; end++) this.#keys.add(pathKey(path.slice(0, end)))
    const index = path.at(-1)
    if (typeof index !== 'number') return
    const list = pathKey(path.slice(0, -1))
    this.#indexes.set(
      list,
      [...(this.#indexes.get(list) ?? []), index].sort((a, b) => a - b),
    )
  }

  /** Whether a value, or something in it, was left out. */
  isIn(path: Path): boolean {
    return this.#keys.has(pathKey(path))
  }

  /** @param path in what is left of a value */
  originalOf(path: Path): PropertyKey[] {
    const original: PropertyKey[] = []
    for (const key of path) {
      let place = key
      if (typeof place === 'number') {
        for (const index of this.#indexes.get(pathKey(original)) ?? []) if (index <= place) place++
      }
      original.push(place)
    }
    return original
  }

  /** A copy of what is left. */
  without(value: unknown): unknown {
    const left = structuredClone(value)
    // In this order the paths of those that are still to go hold.
    for (const path of [...this.#paths.values()].sort(laterFirst)) {
      if (path.length === 0) return {}
      const parent = valueAt(left, path.slice(0, -1))
      const key = path.at(-1) as PropertyKey
      if (Array.isArray(parent)) parent.splice(Number(key), 1)
      else if (typeof parent === 'object' && parent !== null)
        delete (parent as Record<PropertyKey, unknown>)[key]
    }
    return left
  }
}

/** Lists from their ends, and what lies in something before that. */
function laterFirst(a: Path, b: Path): number {
  for (const [at, key] of a.entries()) {
    const other = b[at]
    if (other === undefined) return -1
    if (key === other) continue
    return typeof key === 'number' && typeof other === 'number'
      ? other - key
      : String(key) < String(other)
        ? -1
        : 1
  }
  return b.length > a.length ? 1 : 0
}

function pathKey(path: Path): string {
  return path.map(String).join('\0')
}
