import { basename, join } from 'node:path'
import { encodePem } from '@datapunk/pki'
import type { Engine } from '../engine/engine.ts'
import { listsFile } from '../revoked/lists-file.ts'
import type { Reader } from '../store/contract.ts'
import { keptPer } from '../store/kept-answer.ts'
import { trustedSlots } from '../trust/trust.ts'

type PublishedFile = readonly [path: string, bytes: Uint8Array]

/** Files that peers read, in the order in which they are written: the head last, when all that it names is there. */
function publishedFiles({ store, layout, config }: Published): readonly PublishedFile[] {
  const [roots, lists] = [rootsFile(store), listsFile(store)]
  const [statements, bundle] = [store.trustStatements(), store.bundle()]
  const { caCert, crl } = config.paths
  return keptFiles(store).of([roots, lists, statements, bundle, layout, caCert, crl], () => {
    const files: PublishedFile[] = []
    if (roots.byteLength > 0) files.push([caCert, roots])
    if (lists.byteLength > 0) files.push([crl, lists])
    for (const row of statements) files.push([layout.mesh.trustStatement(row), row.bytes])
    if (bundle === undefined) return files
    for (const digest of bundle.sections) {
      const bytes = store.section(digest)
      if (bytes !== undefined) files.push([layout.mesh.section(digest), bytes])
    }
    files.push([layout.mesh.head, bundle.head])
    return files
  })
}

const keptFiles = keptPer<readonly PublishedFile[]>()

const keptRoots = keptPer<Uint8Array>()

/** `paths.ca_cert`: every root that is trusted now. */
function rootsFile(store: Reader): Uint8Array {
  const { roots } = trustedSlots(store)
  return keptRoots(store).of([roots], () =>
    Buffer.from(roots.map(({ der }) => encodePem('CERTIFICATE', der)).join('')),
  )
}

/** Signed, and for everyone to read. */
const PUBLIC = { mode: 0o644 }

type Published = Pick<Engine, 'store' | 'disk' | 'layout' | 'config'>

/** Writes what the store holds as files. A crash at any point leaves a head whose sections are there. */
export function writePublished(published: Published): void {
  const { disk, layout, store } = published
  for (const folder of [layout.mesh.dir, layout.mesh.trustDir, layout.mesh.sectionsDir]) {
    disk.ensureFolder(folder, 0o755)
  }
  for (const [path, bytes] of publishedFiles(published)) disk.writeFileIfChanged(path, bytes, PUBLIC)
  const named = new Set(store.bundle()?.sections.map((digest) => basename(layout.mesh.section(digest))))
  for (const name of disk.list(layout.mesh.sectionsDir)) {
    if (!named.has(name)) disk.remove(join(layout.mesh.sectionsDir, name))
  }
}

export function isPublishedOnDisk(published: Published): boolean {
  return publishedFiles(published).every((file) => isOnDisk(file, published))
}

/** The paths of those that are missing, or not as they were written. */
export function lostFiles(published: Published): readonly string[] {
  return publishedFiles(published).flatMap((file) => (isOnDisk(file, published) ? [] : [file[0]]))
}

function isOnDisk([path, bytes]: PublishedFile, { disk }: Published): boolean {
  return disk.holds(path, bytes, PUBLIC)
}
