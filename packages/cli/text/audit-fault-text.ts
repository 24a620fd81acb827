import type { AuditFault } from '@datapunk/authority'
import type { AuditFaultDocument } from '../documents/audit.ts'

/** What was found wrong with the audit, for people: which entries, and what became of them. */
export function auditFaultText(fault: AuditFault): string {
  const { kind, from, to } = fault
  const entries = from === to ? `entry ${from}` : `entries ${from} to ${to}`
  const be = from === to ? 'is' : 'are'
  if (kind === 'missing') return `${entries} ${be} missing`
  if (kind === 'moved') return `entry ${from} is out of order: it was written as number ${fault.was}`
  if (kind === 'inserted') return `${entries} ${be} not the authority’s: inserted by somebody else`
  if (kind === 'changed')
    return `${entries} ${from === to ? 'was changed: it is not what its hash says' : 'were changed: they are not what their hashes say'}`
  if (kind === 'checkpoint')
    return `what the inventory keeps of the audit at bundle ${fault.bundle} (up to entry ${to}) was changed; the entries were not`
  if (kind === 'behind')
    return `the published bundle ${fault.bundle} tells of ${to} entries, and is not on record: this inventory is not the newest of its mesh, and does not know what was done since. Put the newest back; where that is lost, \`mtls restore FILE\`, or \`mtls restore --continue\`, which goes on from this one`
  const against =
    fault.bundle === undefined ? 'what the inventory itself keeps of it' : `bundle ${fault.bundle}`
  return `${entries}: something in there was changed, inserted or taken out together with its hash: the audit is not what ${against} says`
}

export function auditFaultDocument(fault: AuditFault): AuditFaultDocument {
  const { kind, from, to } = fault
  const was = fault.kind === 'moved' ? fault.was : null
  const bundle = 'bundle' in fault ? fault.bundle : null
  return { kind, from, to, was, bundle, message: auditFaultText(fault) }
}
