export type TlogErrorCode =
  | 'CHECKPOINT_INVALID'
  | 'EDGE_INVALID'
  | 'NOTE_INVALID'
  | 'NOTE_SIGNATURE_INVALID'
  | 'PROOF_INVALID'
  | 'PROOF_WRONG'
  | 'TILE_INVALID'
  | 'TILE_WRONG'

/** What this package throws about its input; misuse by the caller is a plain TypeError or RangeError. */
export class TlogError extends Error {
  override readonly name: string = 'TlogError'
  readonly code: TlogErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: TlogErrorCode,
    message: string,
    options: { cause?: unknown; data?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.data = options.data ?? {}
  }
}
