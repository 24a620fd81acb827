import { MAX_REFUSED_LAST, type RefusedCaller } from '@datapunk/protocol'
import type { Refusal } from '../refusal.ts'

/** The callers that were refused last, as a report tells of them. */
export class RefusedCallers {
  readonly #last: RefusedCaller[] = []

  add({ rule, at, peer, remote }: Refusal): void {
    const serial = isSerial(peer.serial) ? peer.serial : undefined
    this.#last.push({ rule, at: Math.trunc(at), ...(serial && { serial }), ...(remote && { remote }) })
    if (this.#last.length > MAX_REFUSED_LAST) this.#last.shift()
  }

  /** The latest last. */
  get last(): readonly RefusedCaller[] {
    return [...this.#last]
  }
}

/** RFC 5280 4.1.2.2. A stranger's may be anything, and no report is to fail for that. */
function isSerial(text: string | undefined): boolean {
  return text !== undefined && /^[0-9a-f]{1,40}$/.test(text)
}
