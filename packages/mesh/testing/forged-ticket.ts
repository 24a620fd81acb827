import assert from 'node:assert/strict'
import { type ConnectionOptions, createServer as createTlsServer } from 'node:tls'
import type { TestIdentity, TestMesh } from '@datapunk/testkit'
import { callIn, type Protocol } from './guarded-servers.ts'
import { listen } from './listen.ts'
import { callAsStranger, type Outcome } from './stranger.ts'

/**
 * What whoever knows a server's ticket keys can do: have a server of their own make a session of any client.
 *
 * @param leaf the certificate that the session is to carry; a new one of `stream` unless told
 * @param sessionIdContext that server's
 */
export async function forgeTicket(
  testMesh: TestMesh,
  ticketKeys: Buffer,
  { leaf, sessionIdContext }: { leaf?: TestIdentity; sessionIdContext?: string } = {},
): Promise<Buffer> {
  const own = await testMesh.leaf('nexus')
  const server = createTlsServer(
    {
      cert: testMesh.ca.chainPem(own),
      key: own.keyPem,
      ca: testMesh.ca.root.pem,
      requestCert: true,
      ticketKeys,
      ...(sessionIdContext !== undefined && { sessionIdContext }),
    },
    (socket) => socket.end('done'),
  )
  const port = await listen(server)
  const victim = leaf ?? (await testMesh.leaf('stream'))
  const pair = { cert: testMesh.ca.chainPem(victim), key: victim.keyPem }
  const { sessions } = await callAsStranger(port, '', { ...pair, minVersion: 'TLSv1.3' })
  server.close()
  assert.ok(sessions[0] !== undefined)
  return sessions[0]
}

/** The same call to an ordinary server with these ticket keys that demands certificates: how far the forgery gets. */
export async function callUnguarded(
  testMesh: TestMesh,
  protocol: Protocol,
  ticketKeys: Buffer,
  options: ConnectionOptions,
): Promise<Outcome> {
  const own = await testMesh.leaf('nexus')
  const server = protocol.make({
    cert: testMesh.ca.chainPem(own),
    key: own.keyPem,
    ca: testMesh.ca.root.pem,
    requestCert: true,
    rejectUnauthorized: true,
    ticketKeys,
  })
  try {
    return await callIn(protocol, await listen(server), options)
  } finally {
    server.close()
  }
}
