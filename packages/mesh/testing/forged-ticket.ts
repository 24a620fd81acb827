import assert from 'node:assert/strict'
import { type ConnectionOptions, createServer as createTlsServer } from 'node:tls'
import type { TestMesh } from '@datapunk/testkit'
import { callIn, type Protocol } from './guarded-servers.ts'
import { listen } from './listen.ts'
import { callAsStranger, type Outcome } from './stranger.ts'

/** What whoever knows a server's ticket keys can do: have a server of their own make a session of any client. */
export async function forgeTicket(testMesh: TestMesh, ticketKeys: Buffer, victim: string): Promise<Buffer> {
  const own = await testMesh.leaf('nexus')
  const server = createTlsServer(
    {
      cert: testMesh.ca.chainPem(own),
      key: own.keyPem,
      ca: testMesh.ca.root.pem,
      requestCert: true,
      ticketKeys,
    },
    (socket) => socket.end('done'),
  )
  const port = await listen(server)
  const leaf = await testMesh.leaf(victim)
  const pair = { cert: testMesh.ca.chainPem(leaf), key: leaf.keyPem }
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
