import type { Signer } from '@datapunk/pki'

/**
 * A transparency log, as whoever issues sees it. Its key is its own: it may run in another process, as another user, on
 * another machine.
 */
export interface CertificateLog {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Its name in checkpoints (C2SP static-ct-api). */
  readonly origin: string
  /**
   * @param chain DER: a precertificate, its issuer, and the one above that where it is no root
   * @returns the SCT as RFC 6962 3.2 encodes it, once the entry is in the log; of what was logged before, the first one
   */
  submit(chain: readonly Uint8Array[]): Promise<Uint8Array>
  /** Whether it takes what stands under this root, DER: it learns of roots by the published trust statements. */
  takes(root: Uint8Array): Promise<boolean>
  /** An object that it shows to everybody, by its path; undefined where there is none. */
  read(path: string): Promise<Uint8Array | undefined>
  /** Whether the log began with this tree once; what can't be read says yes. */
  holds(tree: { readonly size: number; readonly root: Uint8Array }): Promise<boolean>
  close(): Promise<void>
}

export interface WantedLog {
  readonly meshId: string
  readonly generation: number
  /** Another is to be made; the one that was there is added to no more. */
  readonly fresh: boolean
}

/** Lends the bundle key in use, for as long as it takes to sign: a log that runs elsewhere wants to know who submits. */
export type AsAuthority = <Result>(use: (signer: Signer) => Promise<Result>) => Promise<Result>

/** Opens the log of a mesh, or makes its first one. A log of an earlier generation is never resumed. */
export type OpenLog = (wanted: WantedLog, asAuthority: AsAuthority) => Promise<CertificateLog>

/** Of an authority that was given none. */
export async function noLog(): Promise<never> {
  throw new TypeError('no log was given to this authority')
}
