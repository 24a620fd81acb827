import { tag } from './tag.ts'

/** The first moment that is written as GeneralizedTime (RFC 5280 §4.1.2.5). */
const year2050 = Date.UTC(2050, 0, 1)
export const year1950 = Date.UTC(1950, 0, 1)
export const year10000 = Date.UTC(10_000, 0, 1)

/**
 * The content octets from `start` to `end` as UTCTime `YYMMDDHHMMSSZ` or GeneralizedTime `YYYYMMDDHHMMSSZ`: seconds
 * always, no fraction, always Z, and each form only for its own years (RFC 5280 §4.1.2.5.1, §4.1.2.5.2).
 *
 * @returns milliseconds since the epoch, or undefined for anything else
 */
export function decodeTime(
  found: number,
  octets: Uint8Array,
  start = 0,
  end = octets.length,
): number | undefined {
  if (found === tag.utcTime) return decodeDigits(2, octets, start, end)
  if (found !== tag.generalizedTime) return undefined
  const time = decodeDigits(4, octets, start, end)
  return time !== undefined && time >= year2050 ? time : undefined
}

/**
 * The same as GeneralizedTime whatever the year, from 1950 on: where a structure knows no other form (RFC 6960 §4.2.1, RFC
 * 5280 §5.3.2).
 */
export function decodeGeneralizedTime(
  octets: Uint8Array,
  start = 0,
  end = octets.length,
): number | undefined {
  const time = decodeDigits(4, octets, start, end)
  return time !== undefined && time >= year1950 ? time : undefined
}

function decodeDigits(yearDigits: 2 | 4, octets: Uint8Array, start: number, end: number): number | undefined {
  if (end - start !== yearDigits + 11) return undefined
  if (octets[end - 1] !== 0x5a) return undefined
  for (let at = start; at < end - 1; at++) {
    const octet = octets[at] as number
    if (octet < 0x30 || octet > 0x39) return undefined
  }
  const inCentury = pair(octets, end - 13)
  const year =
    yearDigits === 4 ? pair(octets, start) * 100 + inCentury : inCentury + (inCentury >= 50 ? 1900 : 2000)
  return moment(year, octets, end - 11)
}

function pair(octets: Uint8Array, at: number): number {
  return (octets[at] as number) * 10 + (octets[at + 1] as number) - 528
}

/** @param at where the ten digits of month, day, hour, minute and second begin */
function moment(year: number, octets: Uint8Array, at: number): number | undefined {
  const month = pair(octets, at)
  const day = pair(octets, at + 2)
  const hour = pair(octets, at + 4)
  const minute = pair(octets, at + 6)
  const second = pair(octets, at + 8)
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined
  // Date.UTC takes years of one or two digits for years of the 20th century.
  if (year < 100) return undefined
  // Day 29, 30 or 31 of a month that has none would be a day of the next.
  if (day > 28 && new Date(Date.UTC(year, month - 1, day)).getUTCDate() !== day) return undefined
  return (((daysSinceEpoch(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000
}

/**
 * As `Date.UTC` counts, which costs six times as much: that is seen where a list has a million times. Years begin in March
 * here, so that the leap day is their last (Hinnant, chrono-Compatible Low-Level Date Algorithms, `days_from_civil`).
 */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1
  const monthsSinceMarch = month > 2 ? month - 3 : month + 9
  const leapDays = ((marchYear / 4) | 0) - ((marchYear / 100) | 0) + ((marchYear / 400) | 0)
  return marchYear * 365 + leapDays + (((153 * monthsSinceMarch + 2) / 5) | 0) + day - 719_469
}

/**
 * The digits and Z of a time, and the tag of the form it needs.
 *
 * @param time milliseconds since the epoch; fractions of a second are dropped
 * @throws RangeError before 1950 or after 9999, which no certificate can say
 */
export function encodeTime(time: number): { tag: number; text: string } {
  const text = encodeGeneralizedTime(time)
  return time < year2050 ? { tag: tag.utcTime, text: text.slice(2) } : { tag: tag.generalizedTime, text }
}

/** The same as GeneralizedTime whatever the year, for the structures of `decodeGeneralizedTime`. */
export function encodeGeneralizedTime(time: number): string {
  if (!(time >= year1950 && time < year10000)) {
    throw new RangeError(`${time} ms is not between the years 1950 and 9999`)
  }
  const date = new Date(time)
  // All of it as one number, two digits each, because text put together from parts costs more.
  let digits = date.getUTCFullYear()
  digits = digits * 100 + date.getUTCMonth() + 1
  digits = digits * 100 + date.getUTCDate()
  digits = digits * 100 + date.getUTCHours()
  digits = digits * 100 + date.getUTCMinutes()
  digits = digits * 100 + date.getUTCSeconds()
  return `${digits}Z`
}
