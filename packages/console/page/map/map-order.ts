import type { DrawnPair, Layers } from './map-layers.ts'

/** A place in a column: a service, or where the line of a pair goes through between others. */
export interface Stop {
  /** The service's name, or one that no service has. */
  readonly id: string
  readonly isService: boolean
}

/** A pair with every stop that its line makes, from left to right. */
export interface Route {
  readonly drawn: DrawnPair
  readonly stops: readonly Stop[]
}

export interface Columns {
  /** From the top. */
  readonly columns: readonly (readonly Stop[])[]
  readonly routes: readonly Route[]
  /** Of each stop, those in the column to the left, and to the right. */
  readonly before: ReadonlyMap<string, readonly string[]>
  readonly after: ReadonlyMap<string, readonly string[]>
}

/** Sweeps from left to right and back: more change little in graphs of up to 60. */
const SWEEPS = 12

/** An order within each column with few crossings, the same for the same pairs. */
export function orderedColumns(layers: Layers): Columns {
  const routes = layers.drawn.map((drawn) => ({ drawn, stops: stopsOf(drawn, layers.layerOf) }))
  const hops = routes.flatMap(({ stops }) =>
    stops.slice(1).map((stop, at) => [stops[at]!.id, stop.id] as const),
  )
  const before = groupIds(hops.map(([left, right]) => [right, left]))
  const after = groupIds(hops)
  let columns = firstColumns(layers, routes)
  let best = columns
  let fewest = crossings(columns, after)
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep++) {
    columns = sweep % 2 === 0 ? swept(columns, before) : swept(columns.toReversed(), after).toReversed()
    const found = crossings(columns, after)
    if (found < fewest) [best, fewest] = [columns, found]
  }
  return { columns: best, routes, before, after }
}

function stopsOf({ pair, left, right }: DrawnPair, layerOf: ReadonlyMap<string, number>): Stop[] {
  const between = layerOf.get(right)! - layerOf.get(left)! - 1
  const passing = Array.from({ length: between }, (_, at) => ({
    id: `${pair.caller} ${pair.callee} ${at}`,
    isService: false,
  }))
  return [{ id: left, isService: true }, ...passing, { id: right, isService: true }]
}

function firstColumns({ layerOf }: Layers, routes: readonly Route[]): readonly (readonly Stop[])[] {
  const columns: Stop[][] = Array.from({ length: Math.max(-1, ...layerOf.values()) + 1 }, () => [])
  for (const id of [...layerOf.keys()].sort()) columns[layerOf.get(id)!]!.push({ id, isService: true })
  for (const { drawn, stops } of routes)
    for (const [at, stop] of stops.entries())
      if (!stop.isService) columns[layerOf.get(drawn.left)! + at]!.push(stop)
  return columns
}

/** Each column ordered by the mean place of its neighbours in the one before. */
function swept(
  columns: readonly (readonly Stop[])[],
  neighbours: ReadonlyMap<string, readonly string[]>,
): readonly (readonly Stop[])[] {
  let places = placesOf(columns[0] ?? [])
  return columns.map((column, at) => {
    if (at === 0) return column
    const centre = new Map(
      column.map(({ id }, place) => [
        id,
        mean((neighbours.get(id) ?? []).map((one) => places.get(one)!)) ?? place,
      ]),
    )
    const ordered = column.toSorted((a, b) => centre.get(a.id)! - centre.get(b.id)!)
    places = placesOf(ordered)
    return ordered
  })
}

function crossings(
  columns: readonly (readonly Stop[])[],
  after: ReadonlyMap<string, readonly string[]>,
): number {
  let count = 0
  for (const [at, column] of columns.slice(0, -1).entries()) {
    const places = placesOf(columns[at + 1]!)
    const ends = column.map(({ id }) => (after.get(id) ?? []).map((one) => places.get(one)!))
    for (const [upper, targets] of ends.entries())
      for (const others of ends.slice(upper + 1))
        for (const target of targets) count += others.filter((other) => other < target).length
  }
  return count
}

function placesOf(column: readonly Stop[]): ReadonlyMap<string, number> {
  return new Map(column.map(({ id }, place) => [id, place]))
}

function groupIds(hops: readonly (readonly [string, string])[]): ReadonlyMap<string, readonly string[]> {
  const groups = Map.groupBy(hops, ([id]) => id)
  return new Map([...groups].map(([id, ends]) => [id, ends.map(([, end]) => end)]))
}

/** @returns undefined of nothing */
export function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}
