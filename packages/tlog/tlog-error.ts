export type TlogErrorCode =
  | 'CHECKPOINT_INVALID'
  | 'DATA_BEHIND_LOCK'
  | 'EDGE_INVALID'
  | 'LOCK_LOST'
  | 'LOCK_TAKEN'
  | 'NOTE_INVALID'
  | 'NOTE_SIGNATURE_INVALID'
  | 'POOL_FULL'
  | 'PROOF_INVALID'
  | 'PROOF_WRONG'
  | 'ROUND_FAILED'
  | 'ROUND_INVALID'
  | 'TILE_INVALID'
  | 'TILE_MISSING'
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
