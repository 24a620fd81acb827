import { type Config, layoutOf } from '@datapunk/protocol'
import { MeshError } from '../error.ts'
import { readMeshDocuments } from '../mesh-files.ts'
import { examine } from './examine.ts'
import type { Peer } from './peer.ts'
import { Refused } from './refusal.ts'
import type { Usage } from './usage.ts'
import { MeshView } from './view.ts'

export interface CertificateCheckOptions {
  readonly config: Config
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly usage: Usage
  /** The name that was asked for: its owner must be the certificate's. */
  readonly name?: string | undefined
}

/**
 * Judges a certificate as every peer of the mesh would, by the same code as the gate (its steps 1 and 2): for tools.
 *
 * @param der the certificate
 * @throws MeshError `CERTIFICATE_REFUSED` with the rule in `data`; `BUNDLE_*`, `ROOT_UNREADABLE`
 */
export async function checkCertificate(der: Uint8Array, options: CertificateCheckOptions): Promise<Peer> {
  const { config, at, usage, name } = options
  const { clockSkew } = config.authority
  const documents = await readMeshDocuments(layoutOf(config).mesh, config.paths.caCert, at + clockSkew)
  const view = new MeshView({
    ...{ service: '', ...documents },
    file: { allow: 'members', minTls: '1.3', clockSkew },
  })
  try {
    const { peer, member } = examine(der, view, usage, at)
    const owner = name === undefined ? member : view.bundle.memberByName.get(name.toLowerCase())
    if (owner !== member || (name !== undefined && !isNamed(peer, member.ipAddresses, name))) {
      throw new Refused(
        'OTHER_SERVICE',
        `found the certificate of ${member.service} for ${name}; allowed: that of ${owner?.service ?? 'the member of that name, which there is none'}`,
        'see what listens there',
      )
    }
    return peer
  } catch (cause) {
    if (!(cause instanceof Refused)) throw cause
    throw new MeshError('CERTIFICATE_REFUSED', `${cause.message}: ${cause.fix}`, {
      cause,
      data: { rule: cause.rule, usage },
    })
  }
}

function isNamed(peer: Peer, ipAddresses: readonly string[], name: string): boolean {
  return [...peer.dnsNames, ...ipAddresses].some((one) => one.toLowerCase() === name.toLowerCase())
}
