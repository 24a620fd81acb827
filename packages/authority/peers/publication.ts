import { readBundleHead } from '@datapunk/protocol'
import type { PublishedBundleRow, Reader, TrustStatementRow } from '../store/contract.ts'

/** What peers are sent, read once for all of them. */
export interface Publication {
  readonly trustStatements: readonly TrustStatementRow[]
  readonly bundle: PublishedBundleRow | undefined
  /** Of the bundle's head, as acknowledgements name it. */
  readonly digest: string | undefined
}

export function publicationOf(store: Reader): Publication {
  const bundle = store.bundle()
  return {
    trustStatements: store.trustStatements(),
    bundle,
    digest: bundle && readBundleHead(bundle.head).digest,
  }
}
