import { createPrivateKey } from 'node:crypto'
import type { Config, ServiceConfig } from '@datapunk/protocol'
import type { World } from '../../world.ts'
import { type MintOptions, mint } from '../minted-certificate.ts'
import type { ShownPair } from '../shown-pair.ts'
import type { Fault, FaultFacts } from './faults.ts'
import type { IssuingCa } from './rehearsed-mesh.ts'

const HOUR = 60 * 60 * 1000

export interface MisissueOptions extends FaultFacts {
  readonly config: Config
  /** Whose certificate it would be. */
  readonly member: ServiceConfig
  /** What that member shows: its key is in the faulty certificate too, so that the fault is the only one. */
  readonly pair: ShownPair
  readonly ca: IssuingCa
  readonly world: Pick<World, 'clock' | 'randomBytes'>
}

/** The certificate of a member with one fault, signed by the CA that all believe. */
export async function misissue(fault: Fault, options: MisissueOptions): Promise<ShownPair> {
  const { config, member, pair, ca, world } = options
  const { organization, country } = config.certificates
  const now = world.clock()
  const good: MintOptions = {
    subject: { commonName: member.commonName, organization, country },
    names: { dnsNames: member.dnsNames, uris: [member.spiffeId], ipAddresses: member.ipAddresses },
    ...{ notBefore: now - HOUR, notAfter: now + 24 * HOUR, randomBytes: world.randomBytes },
    privateKey: createPrivateKey(pair.key),
    issuer: ca,
  }
  const { pem, keyPem, certificate } = await mint({ ...good, ...fault.change(good, options) })
  // What lies above the leaf is as the member shows it.
  const above = pair.certificate.slice(pair.certificate.indexOf('-----END CERTIFICATE-----\n') + 26)
  return { certificate: pem + above, key: keyPem, serial: certificate.serial }
}
