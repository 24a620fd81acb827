import {
  type AuthorityMessage,
  compareDocumentNumbers,
  type DocumentNumber,
  followTrustStatements,
  isKnownSection,
  openBundle,
  openHead,
  readBundleHead,
  type SectionRef,
} from '@datapunk/protocol'
import type { MeshDocuments } from '../mesh-files.ts'

/** Gets a section that is not at hand; `base` is an earlier one of its kind. */
export type FetchSection = (
  ref: SectionRef,
  base: { readonly digest: string; readonly bytes: Uint8Array } | undefined,
) => Promise<Uint8Array>

export type OfferedDocument = Extract<AuthorityMessage, { type: 'trust-statement' | 'head' }>

/**
 * Documents as they come over the stream, believed only as far as their signatures go. On its way one may have been
 * overtaken by files: that is no fault. One that comes after a later one of its own stream is.
 */
export class OfferedDocuments {
  readonly #fetch: FetchSection
  #highest: DocumentNumber = { generation: 0, counter: 0 }

  constructor(fetch: FetchSection) {
    this.#fetch = fetch
  }

  /**
   * @param latest as in `BeliefOptions`
   * @returns `previous` itself where nothing is new
   * @throws ProtocolError; MeshError `BUNDLE_MISSING`
   */
  async believe(offered: OfferedDocument, previous: MeshDocuments, latest: number): Promise<MeshDocuments> {
    if (offered.type === 'trust-statement') {
      const trust = followTrustStatements([offered.document], { previous: previous.trust }, latest)
      return trust === previous.trust ? previous : { ...previous, trust }
    }
    const { number } = readBundleHead(offered.document).head
    const isInOrder = compareDocumentNumbers(number, this.#highest) > 0
    if (isInOrder) this.#highest = number
    if (isInOrder && compareDocumentNumbers(number, previous.bundle.head.number) < 0) return previous
    const options = { previous: previous.bundle, latest }
    const { head } = openHead(offered.document, previous.trust, options)
    const sections = new Map<string, Uint8Array>()
    for (const ref of head.sections) {
      if (isKnownSection(ref)) sections.set(ref.digest, await this.#section(ref, previous))
    }
    const section = (digest: string) => sections.get(digest) ?? new Uint8Array()
    const bundle = openBundle(offered.document, section, previous.trust, options)
    return bundle === previous.bundle ? previous : { ...previous, bundle }
  }

  async #section(ref: SectionRef, { bundle }: MeshDocuments): Promise<Uint8Array> {
    const known = bundle.sections.get(ref.digest)
    if (known !== undefined) return known
    const digest = bundle.head.sections.find(({ kind }) => kind === ref.kind)?.digest
    const bytes = digest === undefined ? undefined : bundle.sections.get(digest)
    return this.#fetch(ref, digest === undefined || bytes === undefined ? undefined : { digest, bytes })
  }
}
