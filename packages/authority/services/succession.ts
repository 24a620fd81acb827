/** How long a key has a certificate; times in milliseconds since the epoch. */
export interface KeyTerm {
  readonly instance: string
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * Instances that nobody looks for any more. Who makes another key for each certificate comes as another instance each time, and
 * nobody says what has become of the one before. So once its certificate has ended it is gone where another key has followed, and
 * else when it has been away for as long as it was there. Before that nobody could tell it from one whose holder does not renew.
 *
 * @param keys of one service, that live elsewhere
 * @param now milliseconds since the epoch
 * @returns their ids
 */
export function goneInstances(keys: readonly KeyTerm[], now: number): ReadonlySet<string> {
  const superseded = supersededKeys(keys)
  const isGone = (key: KeyTerm) =>
    now > key.notAfter && (superseded.has(key) || now - key.notAfter > key.notAfter - key.notBefore)
  return new Set(keys.filter(isGone).map(({ instance }) => instance))
}

/**
 * A key is taken to supersede another where its certificate was issued in the second half of that one’s life, or later; one at
 * most, so that of several that are in use beside each other none is missed.
 */
function supersededKeys(keys: readonly KeyTerm[]): ReadonlySet<KeyTerm> {
  const inOrder = keys.toSorted((a, b) => a.notBefore - b.notBefore)
  const free = new Set(inOrder)
  const superseded = new Set<KeyTerm>()
  for (const key of inOrder) {
    const halfway = (key.notBefore + key.notAfter) / 2
    const next = free.values().find(({ notBefore }) => notBefore >= halfway)
    if (next === undefined) continue
    free.delete(next)
    superseded.add(key)
  }
  return superseded
}
