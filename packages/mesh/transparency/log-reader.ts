import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Layout } from '@datapunk/protocol'
import { getOver } from '../authority-request.ts'
import type { AuthorityRoute } from '../authority-route.ts'
import type { Clock } from '../clock.ts'

/** An object of a log by its path (C2SP static-ct-api). None of it is believed without proof. */
export type ReadLog = (path: string, maxBytes: number) => Promise<Uint8Array>

export interface LogReaderOptions {
  readonly layout: Pick<Layout, 'log'>
  readonly route: AuthorityRoute
  readonly clock: Clock
}

/** Milliseconds. */
const PATIENCE = 10_000

/** Where a log lies on this machine its files are read; else the authority passes on what it serves. */
export function logReader({ layout, route, clock }: LogReaderOptions): (id: string) => ReadLog {
  return (id) => async (path, maxBytes) => {
    try {
      const octets = await readFile(join(layout.log(id).public, path))
      if (octets.byteLength <= maxBytes) return octets
    } catch {
      // On another machine, or not yet there.
    }
    const late = new AbortController()
    const cancel = clock.after(PATIENCE, () => late.abort(new Error(`no answer within ${PATIENCE} ms`)))
    try {
      const { socket } = await route.connect(late.signal)
      late.signal.addEventListener('abort', () => socket.destroy(late.signal.reason), { once: true })
      const { bytes } = await getOver(socket, `/log/${id}/${path}`, { maxBytes, clock })
      return bytes
    } finally {
      cancel()
    }
  }
}
