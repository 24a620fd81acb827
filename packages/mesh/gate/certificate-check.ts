import type { Usage } from '@datapunk/pki'
import type { Config } from '@datapunk/protocol'
import { MeshError } from '../error.ts'
import { readMeshDocuments } from '../files/mesh-files.ts'
import { Refused } from '../refusal.ts'
import { examine } from './examine.ts'
import type { Peer } from './peer.ts'
import { MeshView } from './view.ts'

export interface CertificateCheckOptions {
  readonly config: Config
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly usage: Usage
}

/**
 * Judges a certificate as every peer of the mesh would, by the same code as the gate (steps 1 to 5): for tools.
 *
 * @param der the certificate
 * @throws MeshError `CERTIFICATE_REFUSED` with the rule in `data`; `BUNDLE_*`, `ROOT_UNREADABLE`
 */
export function checkCertificate(der: Uint8Array, { config, at, usage }: CertificateCheckOptions): Peer {
  const { clockSkew } = config.authority
  const documents = readMeshDocuments(config, { latest: at + clockSkew })
  const view = new MeshView({
    ...{ service: '', ...documents },
    file: { allow: 'members', minTls: '1.3', clockSkew },
  })
  try {
    return examine(der, view, usage, at).peer
  } catch (cause) {
    if (!(cause instanceof Refused)) throw cause
    throw new MeshError('CERTIFICATE_REFUSED', `${cause.message}: ${cause.fix}`, {
      cause,
      data: { rule: cause.rule, usage },
    })
  }
}
