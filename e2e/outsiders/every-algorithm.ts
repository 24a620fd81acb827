import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodePem, type KeyAlgorithm } from '@datapunk/pki'
import { MeshFolder } from '../mesh-folder.ts'
import { certificatesIn } from '../whole-pair.ts'

export const longName = 'a-service-with-a-very-long-name-indeed-so-that-it-has-no-cn'

type Place = 'root' | 'issuing' | 'leaf' | 'longNamedLeaf'

export interface Chain {
  readonly mesh: MeshFolder
  readonly algorithms: Readonly<Record<'root' | 'issuing' | 'leaf', KeyAlgorithm>>
  /** As in `root ecdsa-p256, issuing rsa, leaf ed25519`. */
  readonly name: string
  /** One PEM file per certificate. */
  readonly files: Readonly<Record<Place, string>>
}

/**
 * A mesh for every pair of root and issuing algorithm, with the leaf's chosen so that every algorithm of a leaf meets
 * every one of its issuer (a Latin square). Names, addresses and URIs are in them, as much of each as a profile knows.
 */
export function* everyAlgorithm(table: readonly KeyAlgorithm[]): Generator<Chain['algorithms']> {
  for (const [row, root] of table.entries()) {
    for (const [column, issuing] of table.entries()) {
      const leaf = table[(row + column) % table.length]
      if (leaf !== undefined) yield { root, issuing, leaf }
    }
  }
}

/** Applies a mesh of these algorithms and lays its three certificates out. The caller removes it. */
export async function chainOf(algorithms: Chain['algorithms']): Promise<Chain> {
  const { root, issuing, leaf } = algorithms
  const mesh = await MeshFolder.applied({
    authority: {
      root: { algorithm: root },
      issuing: { algorithm: issuing },
      extra_domains: ['example.net'],
      store_ca_keys_in_clear: true,
    },
    certificates: { organization: 'Datapunk', country: 'US', key_algorithm: leaf },
    services: {
      lake: { dns_names: ['lake.example.net'], ip_addresses: ['127.0.0.1', '::1', '192.0.2.7'] },
      // With its domain too long for a common name.
      [longName]: {},
    },
  })
  const [leafCertificate, issuingCertificate] = certificatesIn(readFileSync(mesh.pair('lake').cert))
  const [longNamedLeaf] = certificatesIn(readFileSync(mesh.pair(longName).cert))
  const [rootCertificate] = certificatesIn(readFileSync(mesh.caCert))
  const lay = (name: Place, certificate: { der: Uint8Array } | undefined): string => {
    const file = join(mesh.folder, `${name}.pem`)
    if (certificate === undefined) throw new TypeError(`no ${name} in this mesh`)
    writeFileSync(file, encodePem('CERTIFICATE', certificate.der))
    return file
  }
  const files = {
    root: lay('root', rootCertificate),
    issuing: lay('issuing', issuingCertificate),
    leaf: lay('leaf', leafCertificate),
    longNamedLeaf: lay('longNamedLeaf', longNamedLeaf),
  }
  return { mesh, algorithms, name: `root ${root}, issuing ${issuing}, leaf ${leaf}`, files }
}
