import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { mtls, startMtls } from '../mtls.ts'
import { needs, program } from '../outsider.ts'

/** As docs/operations.md tells an operator to make a key, by each kind that openssl knows and browsers take. */
const newKey: Readonly<Record<string, readonly string[]>> = {
  'rsa 2048': ['-newkey', 'rsa:2048'],
  'ecdsa-p256': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
}

test(
  'an operator’s key is made, packed for a browser and taken by openssl, and curl comes to the console with it',
  needs('openssl', 'curl'),
  async (t) => {
    const mesh = MeshFolder.planned({
      services: { lake: {} },
      authority: {
        ...{ store_ca_keys_in_clear: true, http: 'none', metrics: 'none' },
        console: '0.0.0.0:0',
      },
      operators: { alice: {} },
    })
    atEnd(t, () => mesh.remove())
    const up = startMtls(['up', '--config', mesh.configFile])
    atEnd(t, () => up.stop())
    const url = (await up.says(/console served\s+url (\S+)/))[1] ?? ''
    const { port } = new URL(url)
    const place = (name: string) => join(mesh.folder, name)
    const openssl = (...args: string[]) => Child.run(program('openssl'), args)
    const curl = (...args: string[]) =>
      Child.run(program('curl'), [
        ...['--silent', '--show-error', '--include', '--cacert', mesh.caCert],
        ...['--connect-to', `::127.0.0.1:${port}`, ...args, `${url}/api/session`],
      ])
    const login = ['-H', `origin: ${url}`, '-H', 'content-type: application/json', '--data', '{}']

    for (const [kind, args] of Object.entries(newKey)) {
      const [key, csr, crt, p12] = ['alice.key', 'alice.csr', 'alice.crt', 'alice.p12'].map(place)
      const files = ['-keyout', key!, '-out', csr!, '-subj', '/CN=alice']
      assert.equal((await openssl('req', '-new', '-nodes', ...args, ...files)).code, 0, kind)
      const asked = ['issue', '--operator', 'alice', '--csr', csr!, '--out', crt!]
      assert.equal((await mtls([...asked, '--config', mesh.configFile])).code, 0, kind)

      const verify = ['verify', '-x509_strict', '-CAfile', mesh.caCert, '-untrusted', crt!]
      const asClient = await openssl(...verify, '-purpose', 'sslclient', crt!)
      assert.equal(asClient.code, 0, asClient.stderr)
      assert.notEqual((await openssl(...verify, '-purpose', 'sslserver', crt!)).code, 0)

      const packing = [
        'pkcs12',
        '-export',
        '-inkey',
        key!,
        '-in',
        crt!,
        '-out',
        p12!,
        '-passout',
        'pass:secret',
      ]
      assert.equal((await openssl(...packing)).code, 0, kind)
      const answer = await curl(...login, '--cert-type', 'P12', '--cert', `${p12}:secret`)
      assert.match(
        answer.stdout,
        /200 OK[\s\S]*strict-transport-security[\s\S]*"readOnly":false/,
        answer.stderr,
      )
    }
    const stranger = await curl(...login)
    assert.notEqual(stranger.code, 0)
    assert.equal(stranger.stdout, '')
    const service = mesh.pair('lake')
    assert.notEqual((await curl(...login, '--cert', service.cert, '--key', service.key)).code, 0)
  },
)
