import type { Refusal } from './refusal.ts'

/** Everything a service can meet while it joins the mesh, serves in it, calls into it or does so for another program. The list is closed. */
export type MeshErrorCode =
  // joining
  | 'AUDIT_WENT_BACK'
  | 'AUTHORITY_UNREACHABLE'
  | 'BUNDLE_MISSING'
  | 'BUNDLE_REFUSED'
  | 'CHECK_FAILED'
  | 'CONFIG_INVALID'
  | 'CONFIG_UNREADABLE'
  | 'MEMORY_UNREADABLE'
  | 'MEMORY_UNWRITABLE'
  | 'NODE_REFUSED'
  | 'NOT_A_MEMBER'
  | 'ROOT_UNREADABLE'
  | 'SERVICE_UNKNOWN'
  // the service's own pair
  | 'CERTIFICATE_REFUSED'
  | 'CERTIFICATE_UNREADABLE'
  | 'KEY_EXPOSED'
  | 'KEY_MISMATCH'
  | 'KEY_UNREADABLE'
  | 'PAIR_MISSING'
  | 'PAIR_SWAPPED'
  | 'STAPLE_MISSING'
  | 'STAPLE_REFUSED'
  // serving
  | 'NO_LISTEN_ADDRESS'
  | 'PEER_UNKNOWN'
  | 'SERVER_LISTENING'
  | 'SERVER_UNGUARDABLE'
  // calling
  | 'CONNECT_TIMEOUT'
  | 'HANDSHAKE_FAILED'
  | 'NAME_UNKNOWN'
  | 'PEER_REFUSED'
  | 'PEER_UNREACHABLE'
  | 'PLAIN_HTTP'
  | 'PORT_UNKNOWN'
  | 'REDIRECTED'
  | 'SERVER_REFUSED'
  // proxying
  | 'BACKEND_UNREACHABLE'
  | 'LISTEN_FAILED'
  | 'PLACE_EXPOSED'
  | 'PLACE_INVALID'
  // all of these
  | 'CONNECTION_CUT'
  | 'LEFT'

export interface MeshErrorOptions {
  readonly cause?: unknown
  readonly data?: Readonly<Record<string, unknown>>
  /** The record of the gate's refusal, where one is the reason. */
  readonly refusal?: Refusal | undefined
}

/**
 * The one error of this package. `code` is for programs; `message` says what was found, what is allowed and which
 * command repairs it; `cause` is what was caught. Misuse by the caller is a plain TypeError.
 */
export class MeshError extends Error {
  override readonly name = 'MeshError'
  readonly code: MeshErrorCode
  readonly data: Readonly<Record<string, unknown>>
  readonly refusal: Refusal | undefined

  constructor(code: MeshErrorCode, message: string, options: MeshErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.data = options.data ?? {}
    this.refusal = options.refusal
  }
}

/** The MeshError that `error` is, or that lies beneath it as a cause, as in undici's `fetch failed`. */
export function meshErrorWithin(error: unknown): MeshError | undefined {
  let cause = error
  for (let depth = 0; depth < 8 && cause instanceof Error; depth++) {
    if (cause instanceof MeshError) return cause
    cause = cause.cause
  }
  return undefined
}
