import { lookup } from 'node:dns/promises'
import { statfs } from 'node:fs/promises'
import { connect } from 'node:net'

/** What of the machine can't be made to be bad in a test. */
export interface System {
  /** As in `process.versions.node`. */
  readonly nodeVersion: string
  /** Bytes that may still be written on the file system of a path. */
  freeBytes(path: string): Promise<number>
  /** Why a name leads nowhere, as in `ENOTFOUND`; undefined where it leads somewhere. */
  resolveFailure(host: string): Promise<string | undefined>
  /** Why nobody can be connected with, as in `ECONNREFUSED`; undefined where somebody can. Nothing is sent. */
  connectFailure(host: string, port: number): Promise<string | undefined>
}

/** Milliseconds; between hosts of one mesh it takes a few. */
const PATIENCE = 3000

export const realSystem: System = {
  nodeVersion: process.versions.node,
  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  },
  async resolveFailure(host) {
    try {
      await lookup(host)
      return undefined
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error)
    }
  },
  connectFailure(host, port) {
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const socket = connect({ host, port, timeout: PATIENCE })
    socket.once('connect', () => resolve(undefined))
    socket.once('timeout', () => resolve('ETIMEDOUT'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    return promise.finally(() => socket.destroy())
  },
}
