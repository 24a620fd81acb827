import type { Certificate } from '@datapunk/pki'
import {
  type DocumentNumber,
  followTrustStatements,
  formatDocumentNumber,
  openBundle,
  readTrustStatement,
} from '@datapunk/protocol'
import {
  type FetchSection,
  type OfferedDocument,
  OfferedDocuments,
} from '../packages/mesh/authority/offered-documents.ts'
import type { MeshDocuments } from '../packages/mesh/files/mesh-files.ts'

/**
 * What peers believe, found out by the real code and once for all who ask the same: peers that have got equally far believe
 * the same documents for the same reasons, and hold the same objects.
 */
export class Beliefs {
  readonly #known = new Map<string, MeshDocuments>()
  readonly #answers = new WeakMap<MeshDocuments, Map<Uint8Array | number, Answer>>()
  readonly #remembered = new WeakMap<MeshDocuments, MeshDocuments>()

  /**
   * @param latest as in `BeliefOptions`
   * @throws whatever the real code throws
   */
  async believe(
    offered: OfferedDocument,
    previous: MeshDocuments,
    latest: number,
    fetch: FetchSection,
  ): Promise<MeshDocuments> {
    const known = this.#answered(previous, offered.document, latest)
    if (known !== undefined) return known
    const documents = new OfferedDocuments(fetch)
    await documents.gather(offered, previous, latest)
    const next = this.#same(documents.believe(offered, previous, latest))
    return this.#keep(previous, offered.document, next)
  }

  /** As `join` reads the mesh folder; `previous` where something was believed already. */
  read(files: MeshFiles, latest: number, previous?: MeshDocuments): MeshDocuments {
    const known = previous && this.#answered(previous, files.version, latest)
    if (known !== undefined) return known
    const from = previous === undefined ? { anchors: files.anchors() } : { previous: previous.trust }
    const trust = followTrustStatements(files.trustStatements(previous?.trust.number), from, latest)
    const options = { previous: previous?.bundle, latest }
    const next = this.#same({ trust, bundle: openBundle(files.head(), files.section, trust, options) })
    return previous === undefined ? next : this.#keep(previous, files.version, next)
  }

  /** What a peer kept for itself, read anew after a restart. */
  remember(documents: MeshDocuments): MeshDocuments {
    const known = this.#remembered.get(documents)
    if (known !== undefined) return known
    const { trust, bundle } = documents
    const read = readTrustStatement(trust.bytes)
    const section = (digest: string) => bundle.sections.get(digest) ?? new Uint8Array()
    const remembered = this.#same({ trust: read, bundle: openBundle(bundle.bytes, section, read) })
    this.#remembered.set(documents, remembered)
    return remembered
  }

  #answered(previous: MeshDocuments, asked: Uint8Array | number, latest: number): MeshDocuments | undefined {
    const answer = this.#answers.get(previous)?.get(asked)
    return answer !== undefined && answer.issuedAt <= latest ? answer.next : undefined
  }

  #keep(previous: MeshDocuments, asked: Uint8Array | number, next: MeshDocuments): MeshDocuments {
    const answers = this.#answers.get(previous) ?? new Map<Uint8Array | number, Answer>()
    const issuedAt = Math.max(next.trust.issuedAt, next.bundle.head.issuedAt)
    this.#answers.set(previous, answers.set(asked, { next, issuedAt }))
    return next
  }

  #same(documents: MeshDocuments): MeshDocuments {
    const { trust, bundle } = documents
    const key = `${formatDocumentNumber(trust.number)} ${bundle.digest}`
    const known = this.#known.get(key)
    if (known !== undefined && Buffer.compare(known.trust.bytes, trust.bytes) === 0) return known
    // Whoever slept longer than this believes by an object of its own, which costs time and nothing else.
    if (this.#known.size >= 256) this.#known.delete(this.#known.keys().next().value as string)
    this.#known.set(key, documents)
    return documents
  }
}

interface Answer {
  readonly next: MeshDocuments
  /** What was issued last in it: to clocks that stand before that it is from the future. */
  readonly issuedAt: number
}

/** The mesh folder, as a peer finds it. */
export interface MeshFiles {
  /** Another one whenever the files may be others. */
  readonly version: number
  anchors(): readonly Certificate[]
  /** Those after that number, in order. */
  trustStatements(after: DocumentNumber | undefined): readonly Uint8Array[]
  head(): Uint8Array
  section(digest: string): Uint8Array
}
