import { CHECKPOINT_PATH } from './sequencer.ts'
import { parseTilePath } from './tile-path.ts'

/** What a log shows under one path, as an HTTP server says it. */
export interface ShownObject {
  readonly type: string
  /** For how long anybody may keep it, as a `cache-control` header says it. */
  readonly caching: string
}

/** A checkpoint is old when the next round is there; an edge may keep it so long (C2SP static-ct-api, "Checkpoints"). */
const BRIEFLY = 'public, max-age=5'

const FOREVER = 'public, max-age=31536000, immutable'

/**
 * What a path under a log's monitoring prefix names; undefined where nothing has that name, whatever lies in its folder.
 *
 * @see C2SP static-ct-api, "Monitoring APIs"
 */
export function shownObject(path: string): ShownObject | undefined {
  if (path === CHECKPOINT_PATH) return { type: 'text/plain; charset=utf-8', caching: BRIEFLY }
  if (/^issuer\/[0-9a-f]{64}$/.test(path)) return { type: 'application/pkix-cert', caching: FOREVER }
  if (parseTilePath(path) !== undefined) return { type: 'application/octet-stream', caching: FOREVER }
  return undefined
}

/** @param length of the object, in octets */
export function shownHeaders(
  { type, caching }: ShownObject,
  length: number,
): Readonly<Record<string, string>> {
  return {
    'content-type': type,
    'content-length': String(length),
    'cache-control': caching,
    'x-content-type-options': 'nosniff',
  }
}
