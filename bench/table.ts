import { cpus, loadavg } from 'node:os'
import type { Measured } from './measure.ts'

/** A line of a benchmark's answer. */
export interface Row {
  readonly what: string
  readonly found: string
  /** What the machine can do at best, measured in the same run. */
  readonly limit?: string | undefined
  /** Of what was found to the limit. */
  readonly ratio?: string | undefined
  readonly goal?: string | undefined
  readonly met?: boolean | undefined
}

/** Prints a benchmark's rows, and the conditions that they were measured under. */
export function printRows(rows: readonly Row[]): void {
  for (const { what, found, limit, ratio, goal, met } of rows) {
    const parts = [
      found,
      limit && `limit ${limit}`,
      ratio && `ratio ${ratio}`,
      goal && `goal ${goal}${met === undefined ? '' : met ? ': met' : ': MISSED'}`,
    ]
    console.log(`${what}: ${parts.filter(Boolean).join(' · ')}`)
  }
  const load = loadavg().map((value) => value.toFixed(1))
  console.log(
    `(Node ${process.versions.node}, OpenSSL ${process.versions.openssl}, ${cpus().length} × ${cpus()[0]?.model}, load ${load.join(' ')})`,
  )
}

/** From microseconds for one to how many a second. */
export function perSecond(micros: Measured): string {
  return `${number(1e6 / micros.median)}/s (${number(1e6 / micros.high)} to ${number(1e6 / micros.low)})`
}

export function microseconds({ median, low, high }: Measured): string {
  return `${median.toFixed(1)} µs (${low.toFixed(1)} to ${high.toFixed(1)})`
}

export function share({ median, low, high }: Measured): string {
  return `${percent(median)} (${percent(low)} to ${percent(high)})`
}

export function factor({ median, low, high }: Measured): string {
  return `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`
}

export function number(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`
}

/** How long most, nearly all and all of them took; milliseconds. */
export function waitText(times: readonly number[]): string {
  return `p50 ${shareOf(times, 0.5)} ms, p99 ${shareOf(times, 0.99)} ms, all ${shareOf(times, 1)} ms`
}

/** What so large a share of them is not above. */
export function shareOf(times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(share * times.length) - 1]!
}
