import { once } from 'node:events'
import { chmodSync, lstatSync, rmSync } from 'node:fs'
import { connect, type Server, type Socket } from 'node:net'
import { MeshError } from '../error.ts'
import { type Place, placeText } from '../place.ts'

/** Of every TCP connection: nothing is held back to be sent together, and a peer that vanished is noticed. */
export const tcpOptions = {
  allowHalfOpen: true,
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
  noDelay: true,
} as const

/** Milliseconds until the service behind has to take a connection. */
const PATIENCE = 10_000

/** A restart of the other side brings everyone at once; the kernel takes less where its own limit is lower (listen(2)). */
const BACKLOG = 4096

/**
 * Connects to the service behind.
 *
 * @throws MeshError `BACKEND_UNREACHABLE`; the signal's reason
 */
export async function dialPlain(place: Place, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ ...place, ...tcpOptions })
  socket.setTimeout(PATIENCE, () => socket.destroy(new Error(`no answer after ${PATIENCE} ms`)))
  try {
    await once(socket, 'connect', { signal })
  } catch (cause) {
    socket.destroy()
    signal.throwIfAborted()
    throw unreachable(place, cause)
  }
  socket.setTimeout(0)
  return socket
}

/**
 * Listens. A unix socket is its owner's alone from its first moment; one that was left behind by a process that was
 * killed is taken away.
 *
 * @throws MeshError `LISTEN_FAILED`
 */
export async function listenAt(server: Server, place: Place): Promise<void> {
  try {
    if ('path' in place) await removeLeftover(place.path)
    const umask = 'path' in place ? process.umask(0o077) : undefined
    server.listen({ ...place, backlog: BACKLOG })
    if (umask !== undefined) process.umask(umask)
    await once(server, 'listening')
    if ('path' in place) chmodSync(place.path, 0o600)
  } catch (cause) {
    throw new MeshError(
      'LISTEN_FAILED',
      `found ${placeText(place)} not free to listen at (${reasonOf(cause)}); allowed: an address of this machine that nobody listens at and this user may take`,
      { cause, data: { place: placeText(place), reason: reasonOf(cause) } },
    )
  }
}

async function removeLeftover(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return
  const probe = connect({ path })
  try {
    await once(probe, 'connect')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') rmSync(path)
  } finally {
    probe.destroy()
  }
}

function unreachable(place: Place, cause: unknown): MeshError {
  return new MeshError(
    'BACKEND_UNREACHABLE',
    `found nobody at ${placeText(place)} (${reasonOf(cause)}); allowed: the service that the proxy stands before: see whether it runs and listens there`,
    { cause, data: { place: placeText(place), reason: reasonOf(cause) } },
  )
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  return code ?? message
}
