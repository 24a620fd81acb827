import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { Greeter } from '../greeter.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { needs, program } from '../outsider.ts'

const request = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`

test(
  'openssl s_client gets an answer with a certificate, and nothing without',
  needs('openssl'),
  async (t) => {
    const mesh = await MeshFolder.applied({ services: { lake: {}, stream: {} } })
    atEnd(t, () => mesh.remove())
    const lake = await Greeter.start(mesh, 'lake')
    atEnd(t, () => lake.stop())
    const { cert, key } = mesh.pair('stream')
    const connect = ['-connect', `127.0.0.1:${lake.port}`, '-servername', lake.name]
    const trust = ['-CAfile', mesh.caCert, '-verify_return_error', '-verify_hostname', lake.name]
    const client = (...args: string[]) =>
      Child.run(program('openssl'), ['s_client', '-quiet', ...connect, ...trust, ...args], {
        input: request(lake.name),
      })

    const withChain = await client('-cert', cert, '-key', key, '-cert_chain', cert)
    assert.match(withChain.stdout, /hello stream/, withChain.stderr)
    const withLeafAlone = await client('-cert', cert, '-key', key)
    assert.match(withLeafAlone.stdout, /hello stream/, withLeafAlone.stderr)
    assert.equal(lake.calls, 2)

    const withNone = await client()
    assert.equal(withNone.stdout, '')
    const withOldTls = await client('-cert', cert, '-key', key, '-tls1_2')
    assert.match(withOldTls.stderr, /protocol version/)
    assert.equal(withOldTls.stdout, '')
    assert.equal(lake.calls, 2)
    assert.deepEqual(
      lake.refusals.map(({ rule }) => rule),
      ['NO_CERTIFICATE', 'TLS_HANDSHAKE_FAILED'],
    )
  },
)
