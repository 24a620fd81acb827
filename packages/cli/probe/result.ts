/**
 * `refused`: for the rule of the case. `answered`: it was to be let in, and was. `let-in`: it was to be refused, and was not.
 * `unproven`: refused, and nothing shows for what; or nothing shows that it was. `unreachable`: nobody was there. `not-asked`:
 * the question does not arise, or only `mtls probe --rehearse` can ask it.
 */
export type Verdict = 'refused' | 'answered' | 'let-in' | 'unproven' | 'unreachable' | 'not-asked'

/** What came of one case at one service. */
export interface Cell {
  readonly service: string
  /** The id of the case. */
  readonly case: string
  readonly verdict: Verdict
  /** The rule it was refused for; undefined where none is known. */
  readonly rule?: string | undefined
  /** What shows it, or what was seen instead. */
  readonly evidence: string
  /** What goes on from there; absent where nothing has to. */
  readonly fix?: string | undefined
}

export interface CaseName {
  readonly id: string
  /** For people. */
  readonly title: string
}

/** Everything that was tried. */
export interface ProbeResult {
  readonly mode: 'live' | 'rehearsal'
  readonly services: readonly string[]
  readonly cases: readonly CaseName[]
  readonly cells: readonly Cell[]
  /** When it began, milliseconds since the epoch. */
  readonly at: number
  /** How long it took, milliseconds. */
  readonly took: number
}

const good: ReadonlySet<Verdict> = new Set(['refused', 'answered', 'not-asked'])

export function isGood({ verdict }: Pick<Cell, 'verdict'>): boolean {
  return good.has(verdict)
}

/** Whether something was tried, and all of it is as it should be. */
export function isAsItShouldBe({ cells }: Pick<ProbeResult, 'cells'>): boolean {
  return cells.every(isGood) && cells.some(({ verdict }) => verdict !== 'not-asked')
}

export function countOf({ cells }: Pick<ProbeResult, 'cells'>, verdict: Verdict): number {
  return cells.filter((cell) => cell.verdict === verdict).length
}
