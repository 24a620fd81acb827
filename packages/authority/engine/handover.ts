import type { Address, Reload } from '@datapunk/protocol'

/** Who is told now. */
export interface DeliverOptions {
  /** Whoever failed a moment ago is left in peace until its next try. */
  readonly automatic: boolean
}

/** The paths of the config, absolute: what a service reads, not what they lead to. */
export interface ReloadFiles {
  readonly cert: string
  readonly key: string
  readonly caCert: string
  readonly crl: string
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
