import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { AuthorityError } from '../../error.ts'

/** Serves on loopback, or where it is told, until the test is over. @returns the port, on loopback */
export async function serving(
  t: TestContext,
  server: Server,
  where: ListenOptions = { port: 0, host: '127.0.0.1' },
): Promise<number> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => {})
  })
  atEnd(t, () => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  server.listen(where)
  await once(server, 'listening')
  return (server.address() as AddressInfo | null)?.port ?? 0
}

/** A server that takes connections and says nothing; `left` resolves when its first guest has gone. */
export function silentServer() {
  const left = Promise.withResolvers<void>()
  const server = createServer((socket) => socket.resume().once('close', () => left.resolve()))
  return { server, left: left.promise }
}

/** The failure, after a look that no part of it shows the password, which is `s3cret` in these tests. */
export async function failureOf(running: Promise<void>): Promise<AuthorityError> {
  try {
    await running
  } catch (error) {
    assert.ok(error instanceof AuthorityError, String(error))
    assert.equal(error.code, 'RELOAD_FAILED')
    const cause = error.cause as Error | undefined
    const shown = [error.stack, error.data, cause?.stack, { ...cause }, cause?.cause]
    assert.doesNotMatch(JSON.stringify(shown), /s3cret|s%33cret/)
    return error
  }
  return assert.fail('it did not fail')
}
