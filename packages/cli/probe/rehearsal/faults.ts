import { oids } from '@datapunk/pki'
import type { Config, ServiceConfig } from '@datapunk/protocol'
import type { MintOptions } from '../minted-certificate.ts'

/** What is wrong with a certificate that the mesh's own CA has signed, and the rule by which the library refuses it. */
export interface Fault {
  readonly id: string
  readonly title: string
  readonly rules: readonly string[]
  readonly change: (good: MintOptions, facts: FaultFacts) => Partial<MintOptions>
  /** The check that has to be `required` for it. */
  readonly check?: 'pinning' | 'transparency'
}

export interface FaultFacts {
  /** Whose names are borrowed. */
  readonly other: ServiceConfig
  /** What it is shown as. */
  readonly as: 'caller' | 'server'
}

const HOUR = 60 * 60 * 1000

/** No authority of ours signs any of these, whoever asks for it: here its key was misused. */
export const faults: readonly Fault[] = [
  {
    id: 'wrong-name',
    title: 'a name of another',
    rules: ['NAME_NOT_LISTED'],
    change: ({ names }, { other }) => ({ names: { ...names, dnsNames: other.dnsNames } }),
  },
  {
    id: 'common-name-only',
    title: 'name only as CN',
    rules: ['NAME_MISSING'],
    change: () => ({ names: undefined }),
  },
  {
    id: 'wrong-purpose',
    title: 'wrong EKU',
    rules: ['EXTENDED_KEY_USAGE_NOT_ALLOWED'],
    change: (_, { as }) => ({ purposes: [as === 'caller' ? oids.serverAuth : oids.clientAuth] }),
  },
  {
    id: 'ca-leaf',
    title: 'CA:TRUE leaf',
    rules: ['LEAF_IS_CA'],
    change: () => ({ isCa: true, usages: ['digitalSignature'] }),
  },
  {
    id: 'wrong-organization',
    title: 'wrong organization',
    rules: ['SUBJECT_NOT_ACCEPTED'],
    change: ({ subject }) => ({ subject: { ...subject, organization: 'Elsewhere' } }),
  },
  {
    id: 'unpinned',
    title: 'key not pinned',
    rules: ['NOT_PINNED'],
    change: () => ({ privateKey: undefined }),
    check: 'pinning',
  },
  {
    id: 'not-logged',
    title: 'no SCT',
    rules: ['NOT_LOGGED'],
    change: () => ({}),
    check: 'transparency',
  },
]

/** What a live server is never shown by us, because we are no server; besides the above. */
export const faultsOfServers: readonly Fault[] = [
  {
    id: 'expired',
    title: 'expired',
    rules: ['CERTIFICATE_EXPIRED'],
    change: ({ notBefore }) => ({ notBefore: notBefore - 2 * HOUR, notAfter: notBefore }),
  },
  {
    id: 'not-yet-valid',
    title: 'not yet valid',
    rules: ['CERTIFICATE_NOT_YET_VALID'],
    change: ({ notAfter }) => ({ notBefore: notAfter - HOUR }),
  },
  ...faults.filter(({ id }) => id !== 'wrong-name'),
]

/** Why a fault is none in this mesh; undefined where it is one. */
export function allowance({ check }: Fault, config: Config): string | undefined {
  return check === undefined || config[check] === 'required'
    ? undefined
    : `the config says ${check}: ${config[check]}`
}
