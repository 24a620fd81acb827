import { type Columns, mean, type Stop } from './map-order.ts'

/** How far two neighbours in a column are apart, middle to middle, in pixels. */
export interface Apart {
  readonly services: number
  /** A service and a line that goes by. */
  readonly mixed: number
  readonly lines: number
}

/** Passes that pull each stop towards its neighbours. */
const PASSES = 10

/** Where the middle of each stop lies across the columns: straight lines where it can be, and nothing upon another. */
export function rowsOf({ columns, before, after }: Columns, apart: Apart): ReadonlyMap<string, number> {
  const rows = new Map<string, number>()
  for (const column of columns) place(rows, column, stacked(column, apart), apart)
  for (let pass = 0; pass < PASSES; pass++) {
    const isForward = pass % 2 === 0
    const neighbours = isForward ? before : after
    for (const column of isForward ? columns : columns.toReversed()) {
      const wanted = column.map(
        ({ id }) => mean((neighbours.get(id) ?? []).map((one) => rows.get(one)!)) ?? rows.get(id)!,
      )
      place(rows, column, wanted, apart)
    }
  }
  return rows
}

/** One below the other, around 0. */
function stacked(column: readonly Stop[], apart: Apart): readonly number[] {
  const rows: number[] = []
  for (const [at] of column.entries()) rows.push(at === 0 ? 0 : rows[at - 1]! + gap(column, at, apart))
  const centre = (rows.at(-1) ?? 0) / 2
  return rows.map((row) => row - centre)
}

/** As near to where they want to be as the gaps between them let them. The mean of two such placings is one too. */
function place(
  rows: Map<string, number>,
  column: readonly Stop[],
  wanted: readonly number[],
  apart: Apart,
): void {
  const down = [...wanted]
  for (let at = 1; at < down.length; at++)
    down[at] = Math.max(down[at]!, down[at - 1]! + gap(column, at, apart))
  const up = [...wanted]
  for (let at = up.length - 2; at >= 0; at--)
    up[at] = Math.min(up[at]!, up[at + 1]! - gap(column, at + 1, apart))
  for (const [at, { id }] of column.entries()) rows.set(id, (down[at]! + up[at]!) / 2)
}

/** Between a stop and the one above it. */
function gap(column: readonly Stop[], at: number, { services, mixed, lines }: Apart): number {
  const count = Number(column[at]!.isService) + Number(column[at - 1]!.isService)
  return count === 2 ? services : count === 1 ? mixed : lines
}
