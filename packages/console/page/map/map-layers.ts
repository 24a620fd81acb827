/** Who calls whom. */
export interface Pair {
  readonly caller: string
  readonly callee: string
}

/** A pair as it is drawn: from left to right, whoever calls. */
export interface DrawnPair {
  readonly pair: Pair
  readonly left: string
  readonly right: string
}

export interface Layers {
  /** The column of each service that calls or is called, from 0. */
  readonly layerOf: ReadonlyMap<string, number>
  readonly drawn: readonly DrawnPair[]
}

/** Columns for services, callers left of those they call, as far as they don't call each other in a ring. */
export function layersOf(pairs: readonly Pair[]): Layers {
  const others = pairs.filter(({ caller, callee }) => caller !== callee)
  const order = callersFirst(others)
  const placeOf = new Map(order.map((name, place) => [name, place]))
  const drawn = others.map((pair): DrawnPair => {
    const { caller, callee } = pair
    const isForward = placeOf.get(caller)! < placeOf.get(callee)!
    return isForward ? { pair, left: caller, right: callee } : { pair, left: callee, right: caller }
  })
  return { layerOf: columnsOf(order, drawn), drawn }
}

/** Each as far left as its callers let it, and whoever has none beside the first that it calls. */
function columnsOf(order: readonly string[], drawn: readonly DrawnPair[]): ReadonlyMap<string, number> {
  const layerOf = new Map<string, number>()
  const callers = Map.groupBy(drawn, ({ right }) => right)
  const callees = Map.groupBy(drawn, ({ left }) => left)
  for (const name of order)
    layerOf.set(name, Math.max(0, ...(callers.get(name) ?? []).map(({ left }) => layerOf.get(left)! + 1)))
  for (const name of order.filter((one) => !callers.has(one)))
    layerOf.set(name, Math.min(...callees.get(name)!.map(({ right }) => layerOf.get(right)!)) - 1)
  return layerOf
}

/**
 * An order in which few pairs point backwards: who is called by nobody left goes first, who calls nobody left goes last, and of
 * a ring the one that calls most more than it is called.
 *
 * @see Eades, Lin, Smyth: A fast and effective heuristic for the feedback arc set problem (1993)
 */
function callersFirst(pairs: readonly Pair[]): readonly string[] {
  const left = new Set([...new Set(pairs.flatMap(({ caller, callee }) => [caller, callee]))].sort())
  const first: string[] = []
  const last: string[] = []
  while (left.size > 0) {
    const { ins, outs } = degreesOf(pairs, left)
    const sinks = [...left].filter((name) => outs.get(name) === undefined)
    const sources = [...left].filter((name) => outs.get(name) !== undefined && ins.get(name) === undefined)
    if (sinks.length > 0) last.unshift(...sinks)
    if (sources.length > 0) first.push(...sources)
    const surplus = (name: string) => (outs.get(name) ?? 0) - (ins.get(name) ?? 0)
    const most = [...left].reduce((best, name) => (surplus(name) > surplus(best) ? name : best))
    const taken = [...sinks, ...sources]
    if (taken.length === 0) first.push(most)
    for (const name of taken.length > 0 ? taken : [most]) left.delete(name)
  }
  return [...first, ...last]
}

function degreesOf(pairs: readonly Pair[], left: ReadonlySet<string>) {
  const ins = new Map<string, number>()
  const outs = new Map<string, number>()
  for (const { caller, callee } of pairs) {
    if (!left.has(caller) || !left.has(callee)) continue
    outs.set(caller, (outs.get(caller) ?? 0) + 1)
    ins.set(callee, (ins.get(callee) ?? 0) + 1)
  }
  return { ins, outs }
}
