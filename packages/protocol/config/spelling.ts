/** ` (did you mean "lake"?)`, to stand behind what was found; nothing where no allowed word is near. */
export function spellingHint(found: string, allowed: Iterable<string>): string {
  const nearest = nearestSpelling(found, allowed)
  return nearest === undefined ? '' : ` (did you mean "${nearest}"?)`
}

/** The allowed word nearest to `found`, or none where nothing is near (a third of its letters, at least two, differ). */
function nearestSpelling(found: string, allowed: Iterable<string>): string | undefined {
  let nearest: string | undefined
  let least = Math.max(2, Math.floor(found.length / 3)) + 1
  for (const word of allowed) {
    const distance = editDistance(found, word, least)
    // Words that have no letter in common in its place are not near, however short they are.
    if (distance < least && distance < Math.max(found.length, word.length)) {
      least = distance
      nearest = word
    }
  }
  return nearest
}

/** Levenshtein's distance, or `limit` where it is not below that. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, substituted))
    }
    row = next
  }
  return Math.min(limit, row[b.length]!)
}
