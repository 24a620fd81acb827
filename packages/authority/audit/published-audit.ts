import { decodePem, parseCertificate, sha256 } from '@datapunk/pki'
import {
  followTrustStatements,
  formatDocumentNumber,
  isSignedBy,
  parseAudit,
  readBundleHead,
  trustStatementNumbers,
} from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { inventoryOutdated } from '../engine/halt.ts'
import { publishedEvidence } from '../state/check-state.ts'
import { MAX_DOCUMENT_BYTES } from '../state/published-ahead.ts'
import { trustedSlots } from '../trust/trust.ts'

/** What a bundle that lies published says of the audit. */
export interface PublishedAudit {
  readonly bundle: string
  /** How many entries there were before it. */
  readonly size: number
}

type Looking = Pick<Engine, 'config' | 'store' | 'disk' | 'layout'>

/**
 * The audit of the published bundle, where that proves that this inventory is not the newest of its mesh, or that there was one
 * where none is. By the same proof nothing is signed then.
 *
 * @throws AuthorityError `INVENTORY_OUTDATED` it proves it, and how large the audit was can't be read
 */
export function auditAhead(looking: Looking): PublishedAudit | undefined {
  const { store, disk, layout } = looking
  const bytes = disk.readChecked(layout.mesh.head, { maxBytes: MAX_DOCUMENT_BYTES })
  if (bytes === undefined) return undefined
  const evidence = store.mesh() === undefined ? lostInventory(looking, bytes) : publishedEvidence(looking)
  if (evidence === undefined) return undefined
  const audit = signedAudit(looking, bytes)
  if (audit === undefined) throw inventoryOutdated(evidence)
  return audit
}

function lostInventory(looking: Looking, bytes: Uint8Array): string | undefined {
  const audit = signedHead(looking, bytes)
  return audit && `found published bundle ${formatDocumentNumber(audit.number)}, and no inventory`
}

function signedAudit(looking: Looking, bytes: Uint8Array): PublishedAudit | undefined {
  const { disk, layout } = looking
  const head = signedHead(looking, bytes)
  const ref = head?.sections.find(({ kind }) => kind === 'audit')
  const section = ref && disk.readChecked(layout.mesh.section(ref.digest), { maxBytes: MAX_DOCUMENT_BYTES })
  if (head === undefined || section === undefined) return undefined
  if (Buffer.from(sha256(section)).toString('hex') !== ref?.digest) return undefined
  return { bundle: formatDocumentNumber(head.number), size: parseAudit(section).size }
}

/** Undefined where no bundle key has signed it that is in use here, or that peers trust. */
function signedHead(looking: Looking, bytes: Uint8Array) {
  try {
    const { head, document } = readBundleHead(bytes)
    const { bundleKeys } = trustedSlots(looking.store)
    const isOurs = [...bundleKeys, ...keysOfPeers(looking)].some((spki) => isSignedBy(document, spki))
    return isOurs ? head : undefined
  } catch {
    // What can't be read proves nothing.
    return undefined
  }
}

/** The bundle keys of the newest published trust statement that follows from `ca_cert`. */
function keysOfPeers({ config, disk, layout }: Looking): readonly Uint8Array[] {
  const read = (path: string) => disk.readChecked(path, { maxBytes: MAX_DOCUMENT_BYTES })
  const roots = read(config.paths.caCert)
  if (roots === undefined) return []
  const anchors = decodePem(Buffer.from(roots).toString('latin1'), 'CERTIFICATE').map(parseCertificate)
  const numbers = trustStatementNumbers(disk.list(layout.mesh.trustDir))
  const documents = numbers.flatMap((number) => read(layout.mesh.trustStatement(number)) ?? [])
  return followTrustStatements(documents, { anchors }).bundleKeys
}
