import { tag } from './tag.ts'

/** The first moment that is written as GeneralizedTime (RFC 5280 §4.1.2.5). */
const year2050 = Date.UTC(2050, 0, 1)
const year1950 = Date.UTC(1950, 0, 1)
const year10000 = Date.UTC(10_000, 0, 1)

/**
 * UTCTime `YYMMDDHHMMSSZ` or GeneralizedTime `YYYYMMDDHHMMSSZ`: seconds always, no fraction, always Z, and
 * each form only for its own years (RFC 5280 §4.1.2.5.1, §4.1.2.5.2).
 *
 * @returns milliseconds since the epoch, or undefined for anything else
 */
export function decodeTime(found: number, content: Uint8Array): number | undefined {
  const yearDigits = found === tag.utcTime ? 2 : found === tag.generalizedTime ? 4 : undefined
  if (yearDigits === undefined || content.length !== yearDigits + 11) return undefined
  if (content[content.length - 1] !== 0x5a) return undefined
  for (let i = 0; i < content.length - 1; i++) {
    const octet = content[i] as number
    if (octet < 0x30 || octet > 0x39) return undefined
  }
  const pair = (at: number): number => (content[at] as number) * 10 + (content[at + 1] as number) - 528
  const inCentury = pair(yearDigits - 2)
  const year = yearDigits === 4 ? pair(0) * 100 + inCentury : inCentury + (inCentury >= 50 ? 1900 : 2000)
  return moment(year, yearDigits, pair)
}

function moment(year: number, at: number, pair: (at: number) => number): number | undefined {
  const month = pair(at)
  const day = pair(at + 2)
  const hour = pair(at + 4)
  const minute = pair(at + 6)
  const second = pair(at + 8)
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined
  if (at === 4 && year < 2050) return undefined
  const time = Date.UTC(year, month - 1, day, hour, minute, second)
  return new Date(time).getUTCDate() === day ? time : undefined
}

/**
 * The digits and Z of a time, and the tag of the form it needs.
 *
 * @param time milliseconds since the epoch; fractions of a second are dropped
 * @throws RangeError before 1950 or after 9999, which no certificate can say
 */
export function encodeTime(time: number): { tag: number; text: string } {
  if (!(time >= year1950 && time < year10000)) {
    throw new RangeError(`${time} ms is not between the years 1950 and 9999`)
  }
  const date = new Date(time)
  const year = date.getUTCFullYear()
  const afterYear =
    twoDigits(date.getUTCMonth() + 1) +
    twoDigits(date.getUTCDate()) +
    twoDigits(date.getUTCHours()) +
    twoDigits(date.getUTCMinutes()) +
    twoDigits(date.getUTCSeconds())
  return time < year2050
    ? { tag: tag.utcTime, text: `${twoDigits(year % 100)}${afterYear}Z` }
    : { tag: tag.generalizedTime, text: `${year}${afterYear}Z` }
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : `${value}`
}
