import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer as createPlainServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createServer, type Server } from 'node:tls'
import { prepareFiles } from '../testing/prepared-files.ts'
import { playTranscript } from '../testing/transcript.ts'

describe('verify HOST:PORT', () => {
  let folder: string
  const servers: { close(): unknown }[] = []

  const listening = async <S extends Server | ReturnType<typeof createPlainServer>>(server: S) => {
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
  /** A server that asks for a client certificate, as every service of the mesh does. */
  const serve = (cert: string, key: string) =>
    listening(
      createServer(
        {
          cert: readFileSync(join(folder, cert)),
          key: readFileSync(join(folder, key)),
          ca: readFileSync(join(folder, 'certs/ca.crt')),
          requestCert: true,
          rejectUnauthorized: true,
        },
        (socket) => socket.end(),
      ).on('tlsClientError', () => {}),
    )
  const verify = (rest: string) => playTranscript(`$ mtls verify ${rest} --config one.yaml`, folder)

  before(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'mtls-')))
    await prepareFiles(folder)
    assert.doesNotMatch(await playTranscript('$ mtls apply --config one.yaml', folder), /\[\d\]$/)
  })
  after(() => {
    for (const server of servers) server.close()
    rmSync(folder, { recursive: true })
  })

  test('by a name of the mesh, which its address leads to', async () => {
    const port = await serve('certs/lake.crt', 'certs/lake.key')
    for (const host of ['lake.service.datapunk', 'lake', 'LAKE.service.datapunk']) {
      const played = await verify(`${host}:${port}`)
      assert.match(played, /^accepted: CN=lake\.service\.datapunk/m)
      assert.match(played, /✓ wanted name +lake\.service\.datapunk/)
    }
  })

  test('by an address that is nobody’s, without a name to check', async () => {
    const port = await serve('certs/lake.crt', 'certs/lake.key')
    assert.doesNotMatch(await verify(`127.0.0.1:${port}`), /wanted name/)
    assert.match(
      await verify(`127.0.0.1:${port} --name stream.service.datapunk`),
      /✗ wanted name .*\[NAME_MISMATCH\]/,
    )
  })

  test('a server of another mesh is refused', async () => {
    const port = await serve('other-lake.crt', 'other-lake.key')
    assert.match(await verify(`lake:${port}`), /^REFUSED[\s\S]*\[ISSUER_UNKNOWN\][\s\S]*\[1\]$/m)
  })

  test('a server that speaks no TLS', async () => {
    const port = await listening(createPlainServer((socket) => socket.end('HTTP/1.1 400\r\n\r\n')))
    assert.match(
      await verify(`127.0.0.1:${port}`),
      /found no TLS server at 127\.0\.0\.1:\d+ \(.*\[HOST_UNREACHABLE\]\n\[1\]$/,
    )
  })
})
