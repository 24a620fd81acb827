import { CompactTree } from '@datapunk/tlog'
import { auditLeaf } from '../store/audit-leaf.ts'
import type { Reader } from '../store/contract.ts'
import type { HashedRecord } from '../store/rows.ts'
import type { AuditFault } from './audit-fault.ts'
import { type AuditMark, auditMarks, type MarkReader } from './audit-marks.ts'
import { Misplaced } from './misplaced.ts'
import type { PublishedAudit } from './published-audit.ts'

export interface AuditVerdict {
  /** How many entries were checked. */
  readonly entries: number
  /** Of all of them, SHA-256, lowercase hex. */
  readonly root: string
  /** How many published bundles the entries were held against. */
  readonly bundles: number
  /** The newest bundle whose signed word they were held against; undefined where there is none. */
  readonly signedBy: string | undefined
  /** In the order of the entries; empty where nothing is wrong. */
  readonly faults: readonly AuditFault[]
}

export interface VerifyAuditOptions {
  /** Of a published bundle that this inventory knows nothing of. */
  readonly ahead?: PublishedAudit | undefined
  /** Is told every 10,000 entries how many were checked so far. */
  readonly checked?: ((entries: number) => void) | undefined
}

/**
 * Checks the whole audit: that each entry is what its hash says, that none is missing, and that together they are what each
 * published bundle said of them. Memory does not grow with the audit. What was written since it began is checked too, as
 * far as it was read.
 *
 * @throws AuthorityError `AUDIT_CHANGED` the newest bundle is not as it was signed
 */
export function verifyAudit(
  reader: MarkReader & Pick<Reader, 'auditRecords'>,
  { ahead, checked }: VerifyAuditOptions = {},
): AuditVerdict {
  // 1 What the entries must lead to, known before the first is read.
  const marks = auditMarks(reader)
  // 2 Each entry, and the tree of all.
  const walk = new AuditWalk(marks)
  for (const record of reader.auditRecords(0)) {
    walk.add(record)
    if (walk.entries % TELL_EVERY === 0) checked?.(walk.entries)
  }
  // 3 What became of those that were not as they should be.
  const verdict = walk.verdict(reader.auditTree().size)
  return ahead === undefined ? verdict : { ...verdict, faults: [...verdict.faults, behind(ahead, verdict)] }
}

function behind({ bundle, size }: PublishedAudit, { entries }: AuditVerdict): AuditFault {
  return { kind: 'behind', from: Math.min(entries + 1, size), to: size, bundle }
}

const TELL_EVERY = 10_000

class AuditWalk {
  readonly #marks: readonly AuditMark[]
  /** How many entries there were when it began. */
  readonly #known: number
  /** Of the hashes as they are stored: where only the text of an entry was changed, it still leads to the roots. */
  readonly #tree = new CompactTree()
  /** Of hashes made anew, from the first entry on that its own does not fit: where only hashes were changed, it leads to the roots. */
  #asRead: CompactTree | undefined
  readonly #misplaced = new Misplaced()
  readonly #missing: AuditFault[] = []
  /** Changed, among those that were written since it began, or by somebody else. */
  readonly #changedSince: AuditFault[] = []
  /** The smallest first, as they came. */
  readonly #good: AuditMark[] = []
  readonly #bad: AuditMark[] = []
  #reached = 0
  #last = 0

  constructor(marks: readonly AuditMark[]) {
    this.#marks = marks
    this.#known = marks.at(-1)?.size ?? 0
    this.#compare()
  }

  add(record: HashedRecord): void {
    if (record.number !== this.#last + 1)
      this.#missing.push({ kind: 'missing', from: this.#last + 1, to: record.number - 1 })
    this.#last = record.number
    this.#append(record)
    this.#compare()
  }

  get entries(): number {
    return this.#tree.size
  }

  /** @param size of the tree by now: entries beyond it are nobody's */
  verdict(size: number): AuditVerdict {
    const known = Math.max(size, this.#known)
    const last = Math.min(this.#last, this.#known)
    const end = this.#last + this.#misplaced.shift(last)
    const told = [
      ...this.#missing,
      ...this.#misplaced.faults(last),
      ...this.#changedSince.filter(({ to }) => to <= known),
    ]
    if (end < known) told.push({ kind: 'missing', from: end + 1, to: known })
    if (end > known) told.push({ kind: 'inserted', from: known + 1, to: end })
    return {
      entries: this.entries,
      root: Buffer.from(this.#tree.root()).toString('hex'),
      bundles: this.#marks.filter(({ bundle, signed }) => bundle !== undefined && !signed).length,
      signedBy: this.#marks.find(({ signed }) => signed)?.bundle,
      faults: [...told, ...this.#faultsOfMarks(told)].sort((a, b) => a.from - b.from),
    }
  }

  #append(record: HashedRecord): void {
    const leaf = Buffer.from(auditLeaf(record))
    const isAsWritten = leaf.toString('hex') === record.leaf
    if (!isAsWritten) this.#note(record)
    this.#asRead?.append(leaf)
    const stored = isAsWritten ? leaf : Buffer.from(record.leaf, 'hex')
    this.#tree.append(stored.length === leaf.length ? stored : leaf)
  }

  #note(record: HashedRecord): void {
    this.#asRead ??= this.#tree.copy()
    const { number } = record
    if (number <= this.#known) this.#misplaced.add(record)
    else this.#changedSince.push({ kind: 'changed', from: number, to: number })
  }

  #leadsTo(root: Uint8Array): boolean {
    const trees = this.#asRead === undefined ? [this.#tree] : [this.#tree, this.#asRead]
    return trees.some((tree) => Buffer.compare(tree.root(), root) === 0)
  }

  /** At every size that is known. After a gap nothing leads to its root any more. */
  #compare(): void {
    for (; this.#marks[this.#reached]?.size === this.#last; this.#reached++) {
      const mark = this.#marks[this.#reached] as AuditMark
      if (this.#missing.length > 0) continue
      const marks = this.#leadsTo(mark.root) ? this.#good : this.#bad
      marks.push(mark)
    }
  }

  /** What the marks say besides what is told of single entries: only the first one that fails says something new. */
  #faultsOfMarks(told: readonly AuditFault[]): AuditFault[] {
    const vouched = this.#good.findLast(({ signed }) => signed)?.size ?? -1
    const rewritten = this.#bad.find(({ size }) => size > vouched)
    const altered = this.#bad.filter(({ size }) => size <= vouched)
    const isTold = told.some(({ kind, from }) => kind !== 'changed' && from <= (rewritten?.size ?? 0))
    return [
      ...altered.map(
        ({ size, bundle = '' }) => ({ kind: 'checkpoint', from: size, to: size, bundle }) as const,
      ),
      ...(rewritten === undefined || isTold ? [] : [this.#rewriting(rewritten)]),
    ]
  }

  #rewriting({ size, bundle }: AuditMark): AuditFault {
    const before = this.#good.findLast((good) => good.size < size)?.size ?? 0
    const from = Math.min(before + 1, size)
    return { kind: 'rewritten', from, to: size, ...(bundle !== undefined && { bundle }) }
  }
}
