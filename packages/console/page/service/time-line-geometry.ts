const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
const MONTH = 30.44 * DAY

/** A stretch of time, in milliseconds since the epoch. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

export interface Tick {
  readonly at: number
  /** As much of RFC 3339 as tells it from the others. */
  readonly label: string
}

const MOST_TICKS = 5
const ticksApart = [HOUR, 6 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY]
const monthsApart = [1, 3, 6, 12, 24, 60, 120, 600]

/** All the time that some stretches, and now, take up, with a little room at both ends. */
export function wholeOf(stretches: readonly Stretch[], now: number): Stretch {
  const from = Math.min(now, ...stretches.map((one) => one.from))
  const to = Math.max(now, ...stretches.map((one) => one.to))
  const room = Math.max(HOUR, (to - from) * 0.03)
  return { from: from - room, to: to + room }
}

/** Where a time lies, from 0 to `width`. */
export function placeOf(at: number, { from, to }: Stretch, width: number): number {
  const place = ((at - from) / (to - from)) * width
  return Math.round(Math.min(width, Math.max(0, place)) * 10) / 10
}

/** Round times within a stretch, five at most. */
export function ticksOf({ from, to }: Stretch): readonly Tick[] {
  const apart = ticksApart.find((span) => (to - from) / span <= MOST_TICKS)
  return apart === undefined ? monthTicks({ from, to }) : spanTicks({ from, to }, apart)
}

function spanTicks({ from, to }: Stretch, apart: number): readonly Tick[] {
  const ticks: Tick[] = []
  for (let at = Math.ceil(from / apart) * apart; at <= to; at += apart) {
    const text = new Date(at).toISOString()
    ticks.push({ at, label: apart < DAY ? text.slice(11, 16) : text.slice(5, 10) })
  }
  return ticks
}

function monthTicks({ from, to }: Stretch): readonly Tick[] {
  const apart = monthsApart.find((months) => (to - from) / (months * MONTH) <= MOST_TICKS) ?? 1200
  const first = new Date(from)
  const ticks: Tick[] = []
  const start = Math.floor((first.getUTCFullYear() * 12 + first.getUTCMonth()) / apart) * apart
  for (let months = start; ; months += apart) {
    const at = Date.UTC(Math.floor(months / 12), months % 12)
    if (at > to) return ticks
    if (at >= from) ticks.push({ at, label: new Date(at).toISOString().slice(0, apart < 12 ? 7 : 4) })
  }
}
