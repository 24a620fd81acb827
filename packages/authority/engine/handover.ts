import type { Address, Reload } from '@datapunk/protocol'
import type { ReloadFiles } from '../delivery/reload-files.ts'

/** Who is told now. */
export interface DeliverOptions {
  /** Whoever failed a moment ago is left in peace until its next try. */
  readonly automatic: boolean
}

/** What a service that reads files is told, and what it must show then. */
export interface Handover {
  readonly service: string
  readonly reload: Reload
  readonly files: ReloadFiles
  /** Where it can be seen whether it shows the new certificate; undefined where that is not known. */
  readonly address: Address | undefined
  /** Of that certificate, lowercase hex. */
  readonly serial: string
}
