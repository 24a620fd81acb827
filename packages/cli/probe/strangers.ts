import type { Config, ServiceConfig } from '@datapunk/protocol'
import type { ShownKind } from './live-cases.ts'
import { type Minted, type MintOptions, mint } from './minted-certificate.ts'
import type { ShownPair } from './shown-pair.ts'

const HOUR = 60 * 60 * 1000

export type StrangerKind = Extract<ShownKind, 'other-ca' | 'self-signed' | 'other-mesh'>

export interface StrangerOptions {
  readonly config: Pick<Config, 'trustDomain' | 'certificates'>
  /** Whom they would be. */
  readonly member: Pick<ServiceConfig, 'commonName' | 'dnsNames' | 'spiffeId'>
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly randomBytes: (length: number) => Uint8Array
  /** How the mesh's own issuing CA is called: the one of another mesh is called so too. */
  readonly issuerName: string
}

/** A member's certificates as others would make them, with keys of their own. Everything in them looks right. */
export async function strangers(
  options: StrangerOptions,
): Promise<Readonly<Record<StrangerKind, ShownPair>>> {
  const { config, member, now, randomBytes, issuerName } = options
  const { organization, country } = config.certificates
  const common = { notBefore: now - HOUR, notAfter: now + 24 * HOUR, randomBytes }
  const leaf: MintOptions = {
    ...common,
    subject: { commonName: member.commonName, organization, country },
    names: { dnsNames: member.dnsNames, uris: [member.spiffeId] },
  }
  const authority = (commonName: string, owner: string, issuer?: Minted) =>
    mint({ ...common, subject: { commonName, organization: owner, country }, isCa: true, issuer })
  const otherCa = await authority('Another CA', 'Elsewhere')
  const otherRoot = await authority(`${config.trustDomain} root 1`, organization)
  const otherIssuing = await authority(issuerName, organization, otherRoot)
  return {
    'other-ca': shown(await mint({ ...leaf, issuer: otherCa }), otherCa),
    'self-signed': shown(await mint(leaf)),
    'other-mesh': shown(await mint({ ...leaf, issuer: otherIssuing }), otherIssuing),
  }
}

function shown({ pem, keyPem, certificate }: Minted, issuer?: Minted): ShownPair {
  return { certificate: pem + (issuer?.pem ?? ''), key: keyPem, serial: certificate.serial }
}
