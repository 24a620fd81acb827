import { readFileSync } from 'node:fs'

/** How many files this process may open; 0 where the system does not say. */
export function openFiles(): number {
  try {
    const limit = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit ?? 0)
  } catch {
    return 0
  }
}

/**
 * @param part of the files that this process may open
 * @returns that many, but no more and no fewer than these
 */
export function shareOfFiles(part: number, { fewest, most }: { fewest: number; most: number }): number {
  return Math.min(most, Math.max(fewest, Math.floor(openFiles() * part)))
}
