import { z } from 'zod'

/**
 * The number of a trust statement or bundle. Numbers never go back: first the generation counts, which a restore of the
 * authority raises, then the counter.
 */
export interface DocumentNumber {
  readonly generation: number
  readonly counter: number
}

/** A restore a day for two thousand years: a higher one is nonsense. CRL numbers have room for as many (`publish-lists.ts`). */
export const MAX_GENERATION = 1_000_000

/** What `TEXT` can say. */
const MAX_COUNTER = 10 ** 15 - 1

const counter = z.int().min(1).max(MAX_COUNTER)

/** A bare number is the counter of the first generation, as trust statements were numbered before restores were known. */
export const documentNumber = z.union([
  z.object({ generation: z.int().min(1).max(MAX_GENERATION), counter }),
  counter.transform((number) => ({ generation: 1, counter: number })),
])

const TEXT = /^([1-9]\d{0,6})\.([1-9]\d{0,14})$/

/** `1.42`: generation and counter. */
export function formatDocumentNumber({ generation, counter }: DocumentNumber): string {
  return `${generation}.${counter}`
}

/** Reads what `formatDocumentNumber` writes; undefined for anything else. */
export function parseDocumentNumber(text: string): DocumentNumber | undefined {
  const match = TEXT.exec(text)
  const number = match && { generation: Number(match[1]), counter: Number(match[2]) }
  return number === null || number.generation > MAX_GENERATION ? undefined : number
}

/** Below zero, zero or above, as `a` comes before, is, or comes after `b`. */
export function compareDocumentNumbers(a: DocumentNumber, b: DocumentNumber): number {
  return a.generation - b.generation || a.counter - b.counter
}

/** Whether `b` may come right after `a`: the next counter of the generation, or whatever a restore goes on with. */
export function isSuccessor(b: DocumentNumber, a: DocumentNumber): boolean {
  return b.generation === a.generation ? b.counter === a.counter + 1 : b.generation > a.generation
}
