import type { MeshError } from '../error.ts'
import type { OfferedDocument } from './offered-documents.ts'

/** Every trust statement that ever was, some kB each, and a few heads. Bytes. */
const MAX_WAITING = 16 * 1024 * 1024

/**
 * What came over the stream and is not believed yet. The authority sends a document once a stream, and so what can't be
 * believed now, because a section does not come or a clock is behind, waits here until it is: all trust statements, which
 * follow each other, and the newest head.
 */
export class WaitingDocuments {
  /** In the order in which they came, each with the reason why it was not believed when it was tried last. */
  readonly #reasons = new Map<OfferedDocument, MeshError | undefined>()

  get size(): number {
    return this.#reasons.size
  }

  get reasons(): readonly MeshError[] {
    return [...this.#reasons.values()].filter((reason) => reason !== undefined)
  }

  /** Those that come meanwhile are among them. */
  [Symbol.iterator](): Iterator<OfferedDocument> {
    return this.#reasons.keys()
  }

  /** One that waits already, as it comes again over a new stream, keeps its place. */
  add(document: OfferedDocument): void {
    if ([...this.#reasons.keys()].some((other) => isSame(other, document))) return
    this.#reasons.set(document, undefined)
    this.#dropOvertaken()
    this.#dropOldest()
  }

  /** The trust statements that wait and came before this document: it may be believed with them where they are not without it. */
  statementsBefore(document: OfferedDocument): OfferedDocument[] {
    const waiting = [...this.#reasons.keys()]
    return waiting.slice(0, waiting.indexOf(document)).filter(({ type }) => type === 'trust-statement')
  }

  /** Whether a head waits that came after this document. */
  isOvertaken(document: OfferedDocument): boolean {
    const newest = [...this.#reasons.keys()].findLast(({ type }) => type === 'head')
    return newest !== undefined && newest !== document
  }

  /** With a trust statement, those before it. */
  believed(document: OfferedDocument): void {
    if (document.type === 'trust-statement')
      for (const before of this.statementsBefore(document)) this.#reasons.delete(before)
    this.#reasons.delete(document)
  }

  failed(document: OfferedDocument, reason: MeshError): void {
    if (!this.#reasons.has(document)) return
    this.#reasons.set(document, reason)
    this.#dropOvertaken()
  }

  /** Each head says all there is to say. They are tried one by one, by their differences, only until one fails. */
  #dropOvertaken(): void {
    const heads = [...this.#reasons].filter(([{ type }]) => type === 'head')
    if (heads.every(([, reason]) => reason === undefined)) return
    for (const [head] of heads.slice(0, -1)) this.#reasons.delete(head)
  }

  #dropOldest(): void {
    const documents = [...this.#reasons.keys()]
    let size = documents.reduce((sum, { document }) => sum + document.byteLength, 0)
    for (const oldest of documents) {
      if (size <= MAX_WAITING) return
      size -= oldest.document.byteLength
      this.#reasons.delete(oldest)
    }
  }
}

function isSame(one: OfferedDocument, other: OfferedDocument): boolean {
  return one.type === other.type && Buffer.compare(one.document, other.document) === 0
}
