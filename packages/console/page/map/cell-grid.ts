import type { Point } from './map-frame.ts'

export const CELL_WIDTH = 148
export const CELL_HEIGHT = 34
/** As in the style. */
export const CELL_GAP = 6

/** Where cells lie, in rows from the left. */
export interface CellGrid {
  readonly columns: number
  readonly width: number
  readonly height: number
  /** The middle of a cell, by its number. */
  middle(at: number): Point
}

/** @param count of cells @param room how wide it may be, in pixels */
export function cellGrid(count: number, room: number): CellGrid {
  const columns = Math.max(1, Math.floor((room + CELL_GAP) / (CELL_WIDTH + CELL_GAP)))
  const [across, down] = [CELL_WIDTH + CELL_GAP, CELL_HEIGHT + CELL_GAP]
  return {
    columns,
    width: columns * across - CELL_GAP,
    height: Math.max(0, Math.ceil(count / columns) * down - CELL_GAP),
    middle: (at) => ({
      x: (at % columns) * across + CELL_WIDTH / 2,
      y: Math.floor(at / columns) * down + CELL_HEIGHT / 2,
    }),
  }
}
