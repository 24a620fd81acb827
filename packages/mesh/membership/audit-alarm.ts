import { type Bundle, formatDocumentNumber } from '@datapunk/protocol'
import { MeshError } from '../error.ts'

/**
 * What a bundle shows of the authority's audit against the bundle before it: within one generation the audit only grows.
 * A restore begins a generation, and may have lost the last entries.
 *
 * @returns an alarm, or nothing
 */
export function auditAlarm(before: Bundle, now: Bundle): readonly MeshError[] {
  const [was, is] = [before.audit, now.audit]
  if (now === before || was === undefined) return []
  if (now.head.number.generation !== before.head.number.generation) return []
  if (is !== undefined && is.size > was.size) return []
  if (is?.size === was.size && Buffer.compare(is.root, was.root) === 0) return []
  const found = is === undefined ? 'nothing of the audit' : `an audit of ${is.size} entries`
  const forked = is?.size === was.size ? ', but others' : ''
  return [
    new MeshError(
      'AUDIT_WENT_BACK',
      `found ${found} in bundle ${formatDocumentNumber(now.head.number)} after one of ${was.size} in ${formatDocumentNumber(before.head.number)}${forked}; allowed: one that only grows: somebody changed what the authority has recorded: run \`mtls audit verify\` there`,
      { data: { bundle: now.head.number, size: is?.size, sizeBefore: was.size } },
    ),
  ]
}
