const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * RFC 3339, UTC, whole seconds: `2026-11-23T21:51:00Z`.
 *
 * @param time milliseconds since the epoch
 */
export function timeText(time: number): string {
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** Its largest unit, and the next one of days and hours: `6 d 3 h`, `12 min`, `48 s`. @param milliseconds 0 or more */
export function spanText(milliseconds: number): string {
  if (milliseconds >= DAY) return twoUnits(milliseconds, [DAY, 'd'], [HOUR, 'h'])
  if (milliseconds >= HOUR) return twoUnits(milliseconds, [HOUR, 'h'], [MINUTE, 'min'])
  if (milliseconds >= MINUTE) return `${Math.floor(milliseconds / MINUTE)} min`
  return `${Math.floor(milliseconds / SECOND)} s`
}

/** From 100 days on nobody asks for hours. */
const LONG = 100 * DAY

function twoUnits(
  span: number,
  [large, name]: [number, string],
  [small, smallName]: [number, string],
): string {
  const rest = Math.floor((span % large) / small)
  const first = `${Math.floor(span / large)} ${name}`
  return rest === 0 || span >= LONG ? first : `${first} ${rest} ${smallName}`
}

/** How far a time is from now: `in 6 d 3 h`, `12 min ago`, `now`. */
export function relativeText(time: number, now: number): string {
  const span = Math.abs(time - now)
  if (span < SECOND) return 'now'
  return time > now ? `in ${spanText(span)}` : `${spanText(span)} ago`
}

/** How long something took: `84 ms`, `2.4 s`, `12 min`. @param milliseconds 0 or more */
export function durationText(milliseconds: number): string {
  if (milliseconds < SECOND) return `${Math.round(milliseconds)} ms`
  if (milliseconds < MINUTE) return `${(milliseconds / SECOND).toFixed(1)} s`
  return spanText(milliseconds)
}
