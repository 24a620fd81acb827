const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** What must hold at every step did not. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** Ends the simulation. @param at when it was, where that is not now, milliseconds since the epoch */
export type Violated = (what: string, at?: number) => never

/** How long after a trouble the authority and a peer may take until all is as it should be again. Milliseconds. */
export const RECOVERY = 30 * MINUTE

export function ago(milliseconds: number): string {
  return milliseconds > 2 * DAY
    ? `${(milliseconds / DAY).toFixed(1)} days ago`
    : `${(milliseconds / MINUTE).toFixed(1)} minutes ago`
}
