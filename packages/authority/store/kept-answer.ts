/**
 * One answer, kept for as long as all that it is made from is the same. An inventory that is kept answers with the same objects
 * until it changes (`KeptStore`); of one that reads everything anew nothing is kept.
 */
export class KeptAnswer<T> {
  #known: { readonly from: readonly unknown[]; readonly answer: T } | undefined

  /** @param from everything that `make` makes it from: no clock, nor anything that can change and stay the same object */
  of(from: readonly unknown[], make: () => T): T {
    if (this.#known !== undefined && areSame(this.#known.from, from)) return this.#known.answer
    const answer = make()
    this.#known = { from, answer }
    return answer
  }
}

/** One for each object, such as an open inventory, for as long as there is that object. */
export function keptPer<T>(): (of: object) => KeptAnswer<T> {
  const kept = new WeakMap<object, KeptAnswer<T>>()
  return (of) => {
    const known = kept.get(of)
    if (known !== undefined) return known
    const made = new KeptAnswer<T>()
    kept.set(of, made)
    return made
  }
}

function areSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}
