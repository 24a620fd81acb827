import { auditLeaf } from '../store/audit-leaf.ts'
import type { HashedRecord } from '../store/rows.ts'
import type { AuditFault } from './audit-fault.ts'

/** Entries that are looked at for having changed places with each other; of more it is only said that they have changed. */
const MAX_COMPARED = 256

/** Neighbouring entries that all stand as far from where they were written. */
interface Run {
  readonly from: number
  to: number
  /** What was written as number `n + offset` stands at `n`. */
  readonly offset: number
}

/**
 * Entries that are not what their hashes say, and what became of them: the number is hashed too, so that an entry in another's
 * place shows where it came from. Whoever puts one in or takes one out moves all that follow.
 */
export class Misplaced {
  readonly #runs: Run[] = []
  readonly #unplaced: HashedRecord[] = []
  readonly #uncompared: AuditFault[] = []

  /** @param record in the order of their numbers */
  add(record: HashedRecord): void {
    const run = this.#runs.at(-1)
    const offset = [run?.offset ?? 1, -1, 1].find((offset) => isWrittenAs(record, record.number + offset))
    if (offset === undefined) this.#hold(record)
    else if (run?.offset === offset && run.to === record.number - 1) run.to = record.number
    else this.#runs.push({ from: record.number, to: record.number, offset })
  }

  /** @param last the number of the last entry */
  faults(last: number): AuditFault[] {
    const moved = this.#runs.map((run, index) => faultsOfRun(run, this.#runs[index - 1], last))
    return [...moved.flat(), ...this.#unplaced.map((record) => this.#faultOf(record)), ...this.#uncompared]
  }

  /** How far the last entry stands before where it was written: by so many fewer entries there are than there were. */
  shift(last: number): number {
    const run = this.#runs.at(-1)
    return run !== undefined && isPushed(run, this.#runs.at(-2), last) ? run.offset : 0
  }

  #hold(record: HashedRecord): void {
    const { number } = record
    if (this.#unplaced.length < MAX_COMPARED) {
      this.#unplaced.push(record)
      return
    }
    const before = this.#uncompared.at(-1)
    const from = before?.to === number - 1 ? before.from : number
    if (from !== number) this.#uncompared.pop()
    this.#uncompared.push({ kind: 'changed', from, to: number })
  }

  #faultOf(record: HashedRecord): AuditFault {
    const { number } = record
    const other = this.#unplaced.find(
      (other) =>
        other !== record && (isWrittenAs(record, other.number) || isHash(other.leaf, record, other.number)),
    )
    return other === undefined
      ? { kind: 'changed', from: number, to: number }
      : { kind: 'moved', from: number, to: number, was: other.number }
  }
}

function isWrittenAs(record: HashedRecord, number: number): boolean {
  return isHash(record.leaf, record, number)
}

function isHash(leaf: string, record: HashedRecord, number: number): boolean {
  return leaf === Buffer.from(auditLeaf({ ...record, number })).toString('hex')
}

/** A run up to the last entry was pushed along by what was put in or taken out before it; any other changed places. */
function isPushed({ from, to }: Run, before: Run | undefined, last: number): boolean {
  return to === last && before?.to !== from - 1
}

function faultsOfRun(run: Run, before: Run | undefined, last: number): AuditFault[] {
  const { from, to, offset } = run
  if (isPushed(run, before, last)) {
    return offset < 0
      ? [{ kind: 'inserted', from: from + offset, to: from - 1 }]
      : [{ kind: 'missing', from, to: from + offset - 1 }]
  }
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const number = from + index
    return { kind: 'moved', from: number, to: number, was: number + offset }
  })
}
