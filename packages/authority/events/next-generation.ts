import type { RootKeyPlace } from '../keys/root-key-place.ts'

export interface NextGeneration {
  readonly generation: number
  /** The slot of the new bundle key. */
  readonly bundleKey: string
  /** Keys of roots that are away, and have to sign the trust statement that names it. */
  readonly rootKeys: readonly RootKeyPlace[]
  /** Services that were revoked since, as far as is known: they get no certificate until `mtls issue`. */
  readonly barred: readonly string[]
}
