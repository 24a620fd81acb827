import { sha256 } from '@datapunk/pki'
import { formatDocumentNumber, isSignedBy, parseAudit, readBundleHead } from '@datapunk/protocol'
import type { TreeRoot } from '@datapunk/tlog'
import { AuthorityError } from '../error.ts'
import type { Reader } from '../store/contract.ts'

/** What the audit was at one moment, and by whom we know it. */
export interface AuditMark extends TreeRoot {
  /** Published then; undefined: what the inventory keeps of its last entry. */
  readonly bundle: string | undefined
  /** By a bundle key: nobody who only writes the inventory can have made it. */
  readonly signed: boolean
}

export type MarkReader = Pick<Reader, 'auditTree' | 'auditCheckpoints' | 'bundle' | 'section' | 'slots'>

/**
 * Everything that the entries must lead to, the smallest first.
 *
 * @throws AuthorityError `AUDIT_CHANGED` the newest bundle is not as it was signed
 */
export function auditMarks(reader: MarkReader): AuditMark[] {
  const recorded = reader.auditCheckpoints().map(({ size, root, ...number }) => ({
    ...{ size, root, bundle: formatDocumentNumber(number), signed: false },
  }))
  const now = { ...reader.auditTree(), bundle: undefined, signed: false }
  return [...recorded, ...signedMark(reader), now].sort((a, b) => a.size - b.size)
}

/** What the newest bundle says, in which peers believe; nothing where an earlier version has signed it. */
function signedMark(reader: MarkReader): AuditMark[] {
  const newest = reader.bundle()
  if (newest === undefined) return []
  const { head, document } = readBundleHead(newest.head)
  const bundle = formatDocumentNumber(head.number)
  const keys = reader.slots().filter(({ kind }) => kind === 'bundle-key')
  if (!keys.some(({ spki }) => isSignedBy(document, spki))) throw changed(bundle)
  const ref = head.sections.find(({ kind }) => kind === 'audit')
  if (ref === undefined) return []
  const bytes = reader.section(ref.digest)
  if (bytes === undefined || Buffer.from(sha256(bytes)).toString('hex') !== ref.digest) throw changed(bundle)
  return [{ ...parseAudit(bytes), bundle, signed: true }]
}

function changed(bundle: string): AuthorityError {
  return new AuthorityError(
    'AUDIT_CHANGED',
    `bundle ${bundle} in the inventory is not as the mesh’s bundle key has signed it, so the audit can’t be held against it: somebody wrote to the inventory by hand; put back a backup of it`,
    { data: { bundle } },
  )
}
