import { readBundleHead, type SectionRef } from '@datapunk/protocol'
import type { Reader } from '../store/contract.ts'
import type { PublishedBundleRow, TrustStatementRow } from '../store/rows.ts'

/** What peers are sent, read once for all of them. */
export interface Publication {
  readonly trustStatements: readonly TrustStatementRow[]
  readonly bundle: PublishedBundleRow | undefined
  /** Of the bundle's head, as acknowledgements name it. */
  readonly digest: string | undefined
  /** The sections that it names, by digest. */
  readonly sections: ReadonlyMap<string, Uint8Array>
}

export function publicationOf(store: Reader): Publication {
  const bundle = store.bundle()
  const sections = (bundle?.sections ?? []).flatMap((digest) => {
    const bytes = store.section(digest)
    return bytes === undefined ? [] : [[digest, bytes] as const]
  })
  return {
    trustStatements: store.trustStatements(),
    bundle,
    digest: bundle && readBundleHead(bundle.head).digest,
    sections: new Map(sections),
  }
}

/** What the bundle's head names. */
export function sectionRefs({ bundle }: Publication): readonly SectionRef[] {
  return bundle === undefined ? [] : readBundleHead(bundle.head).head.sections
}
