import { type DocumentNumber, encodeMessage, MAX_DIFFERENCE_AHEAD } from '@datapunk/protocol'
import type { DifferenceCache } from './difference-cache.ts'
import { type Publication, sectionRefs } from './publication.ts'

/** The newest bundle as messages: octets, because text would be copied for each of a thousand peers. */
export interface Announcement {
  readonly head: Uint8Array
  /** For whoever was sent the bundle before: how sections differ from its own, and the head. */
  readonly ahead: { readonly of: DocumentNumber; readonly sectionsAndHead: Uint8Array } | undefined
}

/** What peers are sent, and how. */
export interface Published extends Publication {
  readonly announcement: Announcement | undefined
}

/** @param before what was published until now */
export function announcementOf(
  now: Publication,
  before: Publication | undefined,
  differences: DifferenceCache,
): Announcement | undefined {
  if (now.bundle === undefined) return undefined
  const head = encodeMessage({ type: 'head', document: now.bundle.head })
  if (before?.bundle === undefined) return { head: Buffer.from(head), ahead: undefined }
  const earlier = new Map(sectionRefs(before).map(({ kind, digest }) => [kind, digest]))
  let sections = ''
  for (const { kind, digest } of sectionRefs(now)) {
    const base = earlier.get(kind)
    const bytes = now.sections.get(digest)
    if (base === undefined || base === digest || bytes === undefined) continue
    const difference = differences.of(
      { kind, from: base, to: digest },
      () => before.sections.get(base),
      bytes,
    )
    if (difference === undefined || difference.byteLength > MAX_DIFFERENCE_AHEAD) continue
    sections += encodeMessage({ type: 'section', digest, base, difference })
  }
  return {
    head: Buffer.from(head),
    ahead: { of: before.bundle, sectionsAndHead: Buffer.from(sections + head) },
  }
}
