import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import type { SessionStore } from '@datapunk/console'

/** Sessions in a file that is there whole or not at all. */
export function sessionFile(place: string): SessionStore {
  const next = `${place}.next`
  return {
    place,
    load() {
      try {
        return readFileSync(place, 'utf8')
      } catch {
        return undefined
      }
    },
    save(text) {
      try {
        writeFileSync(next, text, { mode: 0o600, flush: true })
        renameSync(next, place)
      } catch (error) {
        rmSync(next, { force: true })
        throw error
      }
    },
    clear() {
      try {
        rmSync(place, { force: true })
      } catch {
        // Of a folder that may not be changed, what lies in it still may.
        truncateSync(place)
      }
    },
  }
}
