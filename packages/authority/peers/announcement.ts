import { type DocumentNumber, encodeMessage, MAX_DIFFERENCE_AHEAD } from '@datapunk/protocol'
import type { DifferenceCache } from './difference-cache.ts'
import { type Publication, sectionRefs } from './publication.ts'

/** The newest bundle as messages, encoded once for all peers. */
export interface Announcement {
  readonly head: string
  /** The bundle before, and how sections differ from its own: for whoever was sent it. */
  readonly ahead: { readonly of: DocumentNumber; readonly sections: string } | undefined
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
  if (before?.bundle === undefined) return { head, ahead: undefined }
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
  return { head, ahead: { of: before.bundle, sections } }
}
