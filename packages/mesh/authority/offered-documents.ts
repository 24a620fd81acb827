import {
  type AuthorityMessage,
  type Bundle,
  compareDocumentNumbers,
  type DocumentNumber,
  followTrustStatements,
  isKnownSection,
  openBundle,
  openHead,
  ProtocolError,
  readBundleHead,
  type SectionRef,
} from '@datapunk/protocol'
import type { MeshDocuments } from '../files/mesh-files.ts'

/** Gets a section that is not at hand; `base` is an earlier one of its kind, and `signal` gives it up. */
export type FetchSection = (
  ref: SectionRef,
  base: { readonly digest: string; readonly bytes: Uint8Array } | undefined,
  signal?: AbortSignal,
) => Promise<Uint8Array>

export type OfferedDocument = Extract<AuthorityMessage, { type: 'trust-statement' | 'head' }>

/**
 * Documents as they come over the stream, believed only as far as their signatures go. On its way one may have been
 * overtaken by files: that is no fault. One that comes after a later one of its own stream is.
 */
export class OfferedDocuments {
  readonly #fetch: FetchSection
  /** For the head that is to be believed next, by digest. */
  #gathered = new Map<string, Uint8Array>()
  #highest: DocumentNumber = { generation: 0, counter: 0 }

  constructor(fetch: FetchSection) {
    this.#fetch = fetch
  }

  /**
   * Gets the sections that a head names and that are not at hand. What has come stays until the next head, so that a
   * second try asks only for the others.
   *
   * @param latest as in `BeliefOptions`
   * @param signal gives up what is fetched
   * @throws ProtocolError; MeshError `BUNDLE_MISSING`
   */
  async gather(
    offered: OfferedDocument,
    { trust, bundle }: MeshDocuments,
    latest: number,
    signal?: AbortSignal,
  ): Promise<void> {
    if (offered.type === 'trust-statement') return
    const { number } = readBundleHead(offered.document).head
    if (compareDocumentNumbers(number, bundle.head.number) <= 0) return
    const { head } = openHead(offered.document, trust, { latest })
    const gathered = new Map<string, Uint8Array>()
    try {
      // All are looked at first: a section that has to be known, and is not, spares the others.
      for (const ref of head.sections.filter(isKnownSection)) {
        gathered.set(ref.digest, this.#gathered.get(ref.digest) ?? (await this.#section(ref, bundle, signal)))
      }
    } finally {
      this.#gathered = gathered
    }
  }

  /**
   * Of a head those sections count that were gathered for it.
   *
   * @param latest as in `BeliefOptions`
   * @param before trust statements that were not believed by themselves
   * @returns `previous` itself where nothing is new
   * @throws ProtocolError
   */
  believe(
    offered: OfferedDocument,
    previous: MeshDocuments,
    latest: number,
    before: readonly OfferedDocument[] = [],
  ): MeshDocuments {
    if (offered.type === 'trust-statement') {
      const statements = [...before, offered].map(({ document }) => document)
      const trust = followTrustStatements(statements, { previous: previous.trust }, latest)
      return trust === previous.trust ? previous : { ...previous, trust }
    }
    const { number } = readBundleHead(offered.document).head
    const isInOrder = compareDocumentNumbers(number, this.#highest) >= 0
    if (isInOrder) this.#highest = number
    if (isInOrder && compareDocumentNumbers(number, previous.bundle.head.number) < 0) return previous
    const bundle = this.#open(offered.document, previous, latest)
    this.#gathered = new Map()
    return bundle === previous.bundle ? previous : { ...previous, bundle }
  }

  #open(head: Uint8Array, { trust, bundle }: MeshDocuments, latest: number): Bundle {
    const section = (digest: string) => this.#gathered.get(digest) ?? new Uint8Array()
    try {
      return openBundle(head, section, trust, { previous: bundle, latest })
    } catch (error) {
      // One that is not what the head names is asked for again.
      if (error instanceof ProtocolError) this.#gathered.delete(String(error.data.digest))
      throw error
    }
  }

  async #section(ref: SectionRef, bundle: Bundle, signal?: AbortSignal): Promise<Uint8Array> {
    const known = bundle.sections.get(ref.digest)
    if (known !== undefined) return known
    const digest = bundle.head.sections.find(({ kind }) => kind === ref.kind)?.digest
    const bytes = digest === undefined ? undefined : bundle.sections.get(digest)
    const base = digest === undefined || bytes === undefined ? undefined : { digest, bytes }
    return this.#fetch(ref, base, signal)
  }
}
