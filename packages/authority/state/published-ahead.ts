import {
  type DocumentNumber,
  followTrustStatements,
  keyIdOf,
  readBundleHead,
  readTrustStatement,
  type SignedTrustStatement,
  trustStatementNumbers,
} from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'

/** What the files in the mesh folder prove, and the inventory does not know. */
export interface PublishedAhead {
  /** Trust statements that follow the newest on record, oldest first. */
  readonly statements: readonly SignedTrustStatement[]
  /** The highest of this mesh that is on record or named by a file. */
  readonly generation: number
}

/** As `protocol` takes them. */
export const MAX_DOCUMENT_BYTES = 512 * 1024

/** Restores that an inventory may have missed. A higher generation is nobody's that is on record: numbers have an end. */
const MAX_MISSED = 1000

/** Whether a generation that nobody known has signed for may be one of this mesh. */
export function isGenerationNear(generation: number, known: number): boolean {
  return generation <= known + MAX_MISSED
}

/**
 * Looks at what an authority of this mesh has published that the inventory, being older, knows nothing of. What a document says
 * is learned only where this mesh's own keys have signed it; its generation counts whoever has, if it is near: one a little too
 * high harms nobody.
 *
 * @throws AuthorityError `RESTORE_REFUSED` when peers trust a root whose key is not here
 */
export function publishedAhead(looking: Pick<Engine, 'store' | 'disk' | 'layout'>): PublishedAhead {
  const { store, disk, layout } = looking
  const mesh = store.mesh()
  const newest = store.trustStatements().at(-1)
  if (mesh === undefined || newest === undefined) return { statements: [], generation: mesh?.generation ?? 0 }
  const read = (path: string) => disk.readChecked(path, { maxBytes: MAX_DOCUMENT_BYTES })
  const statements: SignedTrustStatement[] = []
  let generation = mesh.generation
  const count = (said: { meshId: string; number: DocumentNumber } | undefined) => {
    if (said?.meshId === mesh.meshId && isGenerationNear(said.number.generation, mesh.generation))
      generation = Math.max(generation, said.number.generation)
  }
  let previous = readTrustStatement(newest.bytes)
  for (const number of trustStatementNumbers(disk.list(layout.mesh.trustDir))) {
    const bytes = read(layout.mesh.trustStatement(number))
    count(bytes && understood(() => readTrustStatement(bytes)))
    const next = bytes && understood(() => followTrustStatements([bytes], { previous }))
    if (next === undefined || next === previous) continue
    statements.push(next)
    generation = Math.max(generation, next.number.generation)
    previous = next
  }
  const head = read(layout.mesh.head)
  count(head && understood(() => readBundleHead(head).head))
  checkRootsKnown(looking, statements.at(-1))
  return { statements, generation }
}

/** Undefined for what can't be read, or does not follow by signature: it is nobody's word. */
function understood<Said>(read: () => Said): Said | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** A root that peers trust, and whose key is not here, would have to sign whatever they are to believe next. */
function checkRootsKnown(
  { store, layout }: Pick<Engine, 'store' | 'layout'>,
  newest: SignedTrustStatement | undefined,
): void {
  const known = new Set(store.slots().map(({ spkiHash }) => spkiHash))
  const lost = newest?.roots.find(({ spki }) => !known.has(keyIdOf(spki)))
  if (lost === undefined) return
  throw new AuthorityError(
    'RESTORE_REFUSED',
    `found in ${layout.mesh.trustDir} a trust statement with the root ${lost.subject}, whose key is not here, and peers believe nothing that it has not signed; allowed: a backup made since that root was. Where there is none, move ${layout.mesh.dir} and paths.ca_cert away, and let every peer begin anew: remove its memory folder`,
    { data: { root: lost.serial } },
  )
}
