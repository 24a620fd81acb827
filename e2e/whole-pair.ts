import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Certificate, decodePem, parseCertificate, verifyPath } from '@datapunk/pki'
import type { MeshFolder } from './mesh-folder.ts'

/**
 * Asserts that a service could start or reload now: certificate and key are there, are one pair, and the certificate is
 * this service's, by the roots in `ca_cert`, now.
 *
 * @returns the leaf
 */
export function assertWholePair(mesh: MeshFolder, service: string): Certificate {
  const paths = mesh.pair(service)
  const folder = dirname(realpathSync(paths.cert))
  assert.equal(basename(realpathSync(paths.key)), 'key.pem')
  const pem = readFileSync(join(folder, 'cert.pem'))
  const keyFile = join(folder, 'key.pem')
  assert.equal(statSync(keyFile).mode & 0o777, 0o600)
  assert.ok(
    new X509Certificate(pem).checkPrivateKey(createPrivateKey(readFileSync(keyFile))),
    `${service}: certificate and key in ${folder} are of two pairs`,
  )
  const [leaf, ...intermediates] = certificatesIn(pem)
  assert.ok(leaf)
  const roots = certificatesIn(readFileSync(mesh.caCert))
  const name = { dns: `${service}.service.datapunk` }
  verifyPath({ leaf, intermediates, roots, at: Date.now(), name, usage: 'serverAuth' })
  return leaf
}

export function certificatesIn(pem: Uint8Array): Certificate[] {
  return decodePem(pem, 'CERTIFICATE').map(parseCertificate)
}
