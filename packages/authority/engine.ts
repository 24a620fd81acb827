import type { generateKeyPair } from '@datapunk/pki'
import type { Config, Layout } from '@datapunk/protocol'
import type { Handover } from './delivery/deliver.ts'
import type { Disk } from './disk/disk.ts'
import type { OwnerBook } from './disk/owner.ts'
import type { Issuing } from './issue.ts'
import type { KeyStore } from './keys/key-store.ts'
import type { OwnPair } from './peers/own-pair.ts'
import type { PeerBook } from './peers/peer-book.ts'

/** What the authority's stories work with. Whoever has one holds the lock. */
export interface Engine extends Omit<Issuing, 'config'> {
  readonly config: Config
  readonly layout: Layout
  readonly disk: Disk
  readonly owners: OwnerBook
  readonly keys: KeyStore
  /** Makes the keys of pairs: they are randomness too. Default `generateKeyPair`. */
  readonly makeKeyPair?: typeof generateKeyPair
  /** Who is live, and what each enforces. */
  readonly peers: PeerBook
  /** What the authority itself shows to peers on other hosts. */
  readonly ownPair: OwnPair
  /** An OCSP answer for a certificate of ours to be stapled, DER; undefined where there is none. */
  readonly staple: (serial: string) => Promise<Uint8Array | undefined>
  /** Tells peers that something new was published; it is on disk by then. */
  readonly push: () => void
  /** Tells a service that reads files that they have changed, and sees that it shows them. */
  readonly handOver: (handover: Handover) => Promise<void>
  /** Told of everything that was done, after it is on disk. */
  readonly report: (event: AuthorityEvent) => void
}

export const authorityEventKinds = [
  'mesh-created',
  'root-created',
  'issuing-ca-created',
  'key-activated',
  'key-retired',
  'key-compromised',
  'trust-statement-published',
  'bundle-published',
  'service-added',
  'service-changed',
  'service-removed',
  'certificate-issued',
  'certificate-revoked',
  'service-barred',
  'list-published',
  'service-let-in',
  'issue-failed',
  'files-purged',
  'pinning-changed',
  'pins-suspended',
  'pins-resumed',
  'bundle-enforced',
  'outage-budget',
  'clock-jumped',
  'halted',
  'backed-up',
  'restored',
  'peer-refused',
  'reloaded',
  'reload-failed',
  'rotation-held',
  'rotation-resumed',
  'log-alarm',
  'log-unavailable',
  'transparency-changed',
  'status-served',
  'status-failed',
  'store-failed',
  'metrics-served',
  'metrics-failed',
  'console-served',
  'console-failed',
  'console-sessions-failed',
  'operator-refused',
] as const

export type AuthorityEventKind = (typeof authorityEventKinds)[number]

export interface AuthorityEvent {
  readonly kind: AuthorityEventKind
  /** The service, `mesh`, or `authority`. */
  readonly subject: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly detail: Readonly<Record<string, unknown>>
}
