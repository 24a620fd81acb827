import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Bundle,
  compareDocumentNumbers,
  type DocumentNumber,
  formatDocumentNumber,
  isKnownSection,
  openBundle,
  openHead,
  parseDocumentNumber,
  readTrustStatement,
} from '@datapunk/protocol'
import { MeshError } from '../error.ts'
import type { MeshDocuments } from '../files/mesh-files.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { nameOfDraft, writeWhole } from '../files/whole-file.ts'

/** Names of files. */
interface Newest {
  readonly trust?: string | undefined
  readonly head?: string | undefined
}

/**
 * What a service believed last, in a folder of its own, so that a restart can't be rolled back by whoever puts older files
 * in the mesh folder. Each document is a file named by its number: of several processes that share the folder none can put
 * a lower number in the place of a higher one, or forget what a higher one needs.
 *
 *     trust-1.3.json   head-1.42.json   section-DIGEST.json
 */
export class Memory {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  /**
   * @returns undefined where nothing was kept yet
   * @throws MeshError `MEMORY_UNREADABLE`
   */
  async read(): Promise<MeshDocuments | undefined> {
    let found: Newest = {}
    try {
      found = await this.#newest()
      return await this.#open(found)
    } catch (cause) {
      // Another process may have kept newer ones meanwhile, and forgotten these.
      const now = await this.#newest().catch(() => found)
      if (now.trust !== found.trust || now.head !== found.head) return this.read()
      throw new MeshError(
        'MEMORY_UNREADABLE',
        `found in ${this.folder} documents that can't be believed (${(cause as Error).message}); allowed: what this service kept there itself: remove the folder, and it begins anew at paths.ca_cert`,
        { cause, data: { folder: this.folder } },
      )
    }
  }

  /** Keeps what is believed now, and forgets what came before it. @throws MeshError `MEMORY_UNWRITABLE` */
  async keep({ trust, bundle }: MeshDocuments): Promise<void> {
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 })
      const before = new Set(await this.#list())
      await this.#writeSections(bundle, before)
      await this.#write(nameOf('trust', trust.number), trust.bytes, before)
      await this.#write(nameOf('head', bundle.head.number), bundle.bytes, before)
      const names = new Set(await this.#list())
      // Another process may have found no head that names them, and so have forgotten them.
      await this.#writeSections(bundle, names)
      const isNewest = newest([...names], 'head') === nameOf('head', bundle.head.number)
      for (const name of names) {
        const isForgotten = isOutdated(name, { trust, bundle }) && (isNewest || !isSection(name))
        if (isForgotten) await rm(join(this.folder, name), { force: true })
      }
    } catch (cause) {
      const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
      throw new MeshError(
        'MEMORY_UNWRITABLE',
        `what this service believes can't be kept in ${this.folder} (${reason}), so that after a restart older documents would be believed; allowed: a folder of its own that it can write to: give it that one, or name another in $MTLS_MEMORY`,
        { cause, data: { folder: this.folder } },
      )
    }
  }

  async #newest(): Promise<Newest> {
    const names = await this.#list()
    return { trust: newest(names, 'trust'), head: newest(names, 'head') }
  }

  async #open(names: Newest): Promise<MeshDocuments | undefined> {
    if (names.trust === undefined || names.head === undefined) return undefined
    const trust = readTrustStatement(await readRegularFile(join(this.folder, names.trust)))
    const head = await readRegularFile(join(this.folder, names.head))
    const sections = new Map<string, Uint8Array>()
    // Also one that is not critical: a service that pins keys must not cease to because a file was lost.
    for (const { digest } of openHead(head, trust).head.sections.filter(isKnownSection))
      sections.set(digest, await readRegularFile(join(this.folder, sectionNameOf(digest))))
    return { trust, bundle: openBundle(head, (digest) => sections.get(digest), trust) }
  }

  async #list(): Promise<string[]> {
    return readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
      throw error
    })
  }

  async #writeSections({ sections }: Bundle, there: ReadonlySet<string>): Promise<void> {
    for (const [digest, bytes] of sections) await this.#write(sectionNameOf(digest), bytes, there)
  }

  async #write(name: string, bytes: Uint8Array, there: ReadonlySet<string>): Promise<void> {
    if (there.has(name)) return
    await writeWhole(join(this.folder, name), bytes)
  }
}

function newest(names: readonly string[], kind: 'trust' | 'head'): string | undefined {
  const numbers = names.flatMap((name) => numberIn(name, kind) ?? [])
  const last = numbers.sort(compareDocumentNumbers).at(-1)
  return last && nameOf(kind, last)
}

function nameOf(kind: 'trust' | 'head', number: DocumentNumber): string {
  return `${kind}-${formatDocumentNumber(number)}.json`
}

function numberIn(name: string, kind: 'trust' | 'head'): DocumentNumber | undefined {
  const [prefix, suffix] = [`${kind}-`, '.json']
  return name.startsWith(prefix) && name.endsWith(suffix)
    ? parseDocumentNumber(name.slice(prefix.length, -suffix.length))
    : undefined
}

function sectionNameOf(digest: string): string {
  return `section-${digest}.json`
}

function digestIn(name: string): string | undefined {
  return /^section-([0-9a-f]{64})\.json$/.exec(name)?.[1]
}

function isSection(file: string): boolean {
  return digestIn(nameOfDraft(file)) !== undefined
}

/** Also drafts that a crash left; those of another process that writes at this moment are made anew at its next document. */
function isOutdated(file: string, { trust, bundle }: MeshDocuments): boolean {
  const name = nameOfDraft(file)
  const number = numberIn(name, 'trust')
  if (number !== undefined) return compareDocumentNumbers(number, trust.number) < 0
  const head = numberIn(name, 'head')
  if (head !== undefined) return compareDocumentNumbers(head, bundle.head.number) < 0
  const digest = digestIn(name)
  return digest !== undefined && !bundle.sections.has(digest)
}
