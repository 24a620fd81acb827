import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { Greeter } from '../greeter.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { mtls } from '../mtls.ts'
import { needs, program } from '../outsider.ts'

/** How openssl makes a key of each kind that it knows. */
const newKey: Readonly<Record<string, readonly string[]>> = {
  'rsa 2048': ['-newkey', 'rsa:2048'],
  'rsa 4096': ['-newkey', 'rsa:4096'],
  'ecdsa-p256': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'ecdsa-p384': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  ed25519: ['-newkey', 'ed25519'],
}

test(
  'a key that openssl made and keeps gets a certificate, and is let in with it',
  needs('openssl', 'curl'),
  async (t) => {
    const mesh = await MeshFolder.applied({ services: { lake: {}, stream: {} } })
    atEnd(t, () => mesh.remove())
    const lake = await Greeter.start(mesh, 'lake')
    atEnd(t, () => lake.stop())
    const key = join(mesh.folder, 'elsewhere.key')
    const request = join(mesh.folder, 'elsewhere.csr')
    const chain = join(mesh.folder, 'elsewhere.crt')
    const openssl = (...args: string[]) => Child.output(program('openssl'), args)
    const issue = () => mtls(['issue', 'stream', '--csr', request, '--config', mesh.configFile])

    for (const [kind, args] of Object.entries(newKey)) {
      // It asks for more than it will get: what a certificate says is the config's.
      const wish = ['-subj', '/CN=lake.service.datapunk', '-addext', 'basicConstraints=CA:TRUE']
      await openssl('req', '-new', '-nodes', ...args, '-keyout', key, '-out', request, ...wish)
      const issued = await issue()
      assert.equal(issued.code, 0, `${kind}: ${issued.stderr}`)
      writeFileSync(chain, issued.stdout)
      const about = await openssl(
        'x509',
        '-noout',
        '-subject',
        '-ext',
        'subjectAltName,basicConstraints',
        '-in',
        chain,
      )
      assert.match(about, /CN = stream\.service\.datapunk/)
      assert.doesNotMatch(about, /lake|CA:TRUE/)
      const where = ['--connect-to', `::127.0.0.1:${lake.port}`, '--cacert', mesh.caCert]
      const pair = ['--cert', chain, '--key', key]
      assert.equal(await Child.output(program('curl'), ['-sS', ...where, ...pair, lake.url]), 'hello stream')
    }

    // Signed by another key than the one in it.
    const der = Buffer.from(readFileSync(request, 'utf8').replaceAll(/-----.*-----|\s/g, ''), 'base64')
    der.writeUInt8(der.readUInt8(der.length - 5) ^ 1, der.length - 5)
    writeFileSync(request, der)
    const refused = await issue()
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /sign/)
  },
)
