import { join } from 'node:path'
import { decodePem, PkiError } from '@datapunk/pki'
import { formatDocumentNumber } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { haltEvidence, inventoryOutdated } from '../engine/halt.ts'
import { AuthorityError } from '../error.ts'
import { isAheadOfUs } from '../peers/ahead.ts'
import { keptPer } from '../store/kept-answer.ts'
import type { SlotRow } from '../store/rows.ts'
import { isAwayRoot } from '../trust/root-keys.ts'
import { MAX_DOCUMENT_BYTES, publishedAhead } from './published-ahead.ts'

type Checked = Pick<Engine, 'config' | 'layout' | 'disk' | 'store' | 'keys'>

type Acting = Checked & Pick<Engine, 'halting'>

/** Room for two generations of post-quantum roots in PEM, and as much again. */
const MAX_CA_CERT_BYTES = 256 * 1024

/**
 * Refuses a state in which going on would lose or replace a key, or use a number twice: a CA is made once, and never again by
 * accident.
 *
 * @throws AuthorityError `INVENTORY_OUTDATED`, and as `checkWhole`
 */
export function checkState(engine: Acting): void {
  const evidence = haltEvidence(engine) ?? publishedEvidence(engine)
  if (evidence !== undefined) throw inventoryOutdated(evidence)
  checkWhole(engine)
}

/** What `checkState` refuses this state with; undefined where it goes on. */
export function stateRefusal(engine: Acting): AuthorityError | undefined {
  try {
    checkState(engine)
  } catch (error) {
    if (error instanceof AuthorityError) return error
    throw error
  }
  return undefined
}

/** What lies published may show that it was published by a newer inventory than this one. */
export function publishedEvidence({
  store,
  disk,
  layout,
}: Pick<Checked, 'store' | 'disk' | 'layout'>): string | undefined {
  const published = disk.readChecked(layout.mesh.head, { maxBytes: MAX_DOCUMENT_BYTES })
  const known = store.bundle()?.head
  if (published === undefined || known === undefined || Buffer.compare(published, known) === 0)
    return undefined
  const found = isAheadOfUs(store, published) ?? statementsAhead({ store, disk, layout })
  return found && `found published ${found}`
}

/** Trust statements that follow the newest on record; where the last of them names a root whose key is not here, there are some. */
function statementsAhead(looking: Pick<Checked, 'store' | 'disk' | 'layout'>): string | undefined {
  const newest = looking.store.trustStatements().at(-1)
  if (newest === undefined) return undefined
  const known = `${formatDocumentNumber(newest)} is the newest on record here`
  try {
    const last = publishedAhead(looking).statements.at(-1)
    return last && `trust statement ${formatDocumentNumber(last.number)}, and ${known}`
  } catch (error) {
    if (error instanceof AuthorityError && error.code === 'RESTORE_REFUSED')
      return `a later trust statement, and ${known}`
    throw error
  }
}

/**
 * Whether every key is in its place, but for those of roots that may be away, and belongs to this mesh and this config.
 *
 * @throws AuthorityError `CA_WITHOUT_INVENTORY`, `INVENTORY_WITHOUT_CA`, `KEY_MISSING`, `KEY_MISMATCH`, `CA_MISMATCH`,
 *   `TRUST_DOMAIN_CHANGED`
 */
export function checkWhole(engine: Checked): void {
  const mesh = engine.store.mesh()
  if (mesh === undefined) {
    checkNoForeignCa(engine)
    return
  }
  const { config } = engine
  if (mesh.trustDomain !== config.trustDomain) {
    throw new AuthorityError(
      'TRUST_DOMAIN_CHANGED',
      `found the trust domain ${config.trustDomain} in ${config.file}, but this mesh is ${mesh.trustDomain}; allowed: set trust_domain: ${mesh.trustDomain}, or begin a new mesh with another authority.state and paths`,
      { data: { found: config.trustDomain, allowed: mesh.trustDomain } },
    )
  }
  const slots = engine.store.slots().filter(({ state, certificate, kind }) => {
    // Its key is the log's own.
    if (kind === 'log') return false
    if (state === 'prepared') return certificate !== undefined || kind === 'bundle-key'
    return state === 'active' || (state === 'retiring' && kind === 'root')
  })
  checkNotAllGone(engine, slots)
  for (const slot of slots) {
    if (!isAwayRoot(engine, slot)) engine.keys.check(slot)
  }
  checkCaCert(engine, engine.store.slots())
}

/**
 * Before there is an inventory, a CA that is there is somebody else's.
 *
 * @throws AuthorityError `CA_WITHOUT_INVENTORY`
 */
export function checkNoForeignCa({ config, layout, disk }: Pick<Engine, 'config' | 'layout' | 'disk'>): void {
  const { caCert, caKey } = config.paths
  const keys = disk.list(layout.authority.keys).map((name) => join(layout.authority.keys, name))
  const found = [caCert, caKey, ...keys].filter((path) => disk.kindOf(path) !== undefined)
  if (found.length === 0) return
  throw new AuthorityError(
    'CA_WITHOUT_INVENTORY',
    `found ${found.join(' and ')}, but no inventory in ${layout.authority.dir}; allowed: both or neither. Put the state folder back where it was, take an existing CA over with \`mtls apply --adopt-ca\`, or move these files away to make a new CA`,
    { data: { found, inventory: layout.authority.inventory } },
  )
}

function checkNotAllGone({ config, layout, disk }: Checked, slots: readonly SlotRow[]): void {
  if (slots.length === 0) return
  const keysThere =
    disk.kindOf(config.paths.caKey) !== undefined || disk.list(layout.authority.keys).length > 0
  if (keysThere || disk.kindOf(config.paths.caCert) !== undefined) return
  throw new AuthorityError(
    'INVENTORY_WITHOUT_CA',
    `found the inventory ${layout.authority.inventory}, but neither ${config.paths.caCert} nor any CA key; allowed: the files the inventory was made with. Put them back from a backup, or check paths, --env and --root`,
    { data: { inventory: layout.authority.inventory } },
  )
}

/** ca_cert is written from the inventory; a file with a root the inventory does not know is not ours to replace. */
function checkCaCert({ config, disk }: Checked, slots: readonly SlotRow[]): void {
  const path = config.paths.caCert
  const bytes = disk.readChecked(path, { maxBytes: MAX_CA_CERT_BYTES })
  if (bytes === undefined) return
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const strange = keptStrange(slots).of([path, text], () => hasStrangeRoot({ path, text }, slots))
  if (strange) throw caMismatch(path, 'a root that this mesh’s inventory does not know')
}

function caMismatch(path: string, found: string, cause?: PkiError): AuthorityError {
  return new AuthorityError(
    'CA_MISMATCH',
    `found in ${path} ${found}; allowed: the roots of this mesh. Move the file away and \`mtls apply\` writes it anew`,
    { cause, data: { path } },
  )
}

/** Of the file as it was read last, for as long as the slots are these. */
const keptStrange = keptPer<boolean>()

function hasStrangeRoot(file: TextFile, slots: readonly SlotRow[]): boolean {
  const known = slots.flatMap(({ certificate }) => certificate ?? [])
  return certificatesIn(file).some(
    (der) => !known.some((certificate) => Buffer.compare(certificate, der) === 0),
  )
}

function certificatesIn({ path, text }: TextFile): Uint8Array[] {
  try {
    return decodePem(text, 'CERTIFICATE')
  } catch (error) {
    if (error instanceof PkiError) throw caMismatch(path, `no whole certificates: ${error.message}`, error)
    throw error
  }
}

interface TextFile {
  readonly path: string
  readonly text: string
}
