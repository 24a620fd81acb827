import type { generateKeyPair } from '@datapunk/pki'
import type { Config, Layout } from '@datapunk/protocol'
import type { Disk } from '../disk/disk.ts'
import type { OwnerBook } from '../disk/owner.ts'
import type { AuthorityEvent } from '../events/event.ts'
import type { KeyStore } from '../keys/key-store.ts'
import type { Halt } from './halt.ts'
import type { DeliverOptions, Handover } from './handover.ts'
import type { Issuing } from './issuing.ts'
import type { PeerBook } from './peer-book.ts'
import type { ServedPair } from './served-pair.ts'

/** What the authority's stories work with. Whoever has one holds the lock. */
export interface Engine extends Omit<Issuing, 'config'> {
  readonly config: Config
  readonly layout: Layout
  readonly disk: Disk
  readonly owners: OwnerBook
  readonly keys: KeyStore
  /** Makes the keys of pairs: they are randomness too. */
  readonly makeKeyPair: typeof generateKeyPair
  readonly halting: Halt
  /** Who is live, and what each enforces. */
  readonly peers: PeerBook
  /** What the authority itself shows to peers on other hosts. */
  readonly ownPair: OwnPairSeat
  /** An OCSP answer for a certificate of ours to be stapled, DER; undefined where there is none. */
  readonly staple: (serial: string) => Promise<Uint8Array | undefined>
  /** Tells peers that something new was published; it is on disk by then. */
  readonly push: () => void
  /** Tells a service that reads files that they have changed, and sees that it shows them. */
  readonly tellService: (handover: Handover, signal?: AbortSignal) => Promise<void>
  /** Sees that every such service is told. @returns how many have been by the time it resolves; others may be told later */
  readonly deliver: (engine: Engine, options: DeliverOptions) => Promise<number>
  /** Told of everything that was done, after it is on disk. */
  readonly report: (event: AuthorityEvent) => void
}

/** Who has the authority's own pair: `OwnPair`. */
export interface OwnPairSeat {
  readonly served: ServedPair | undefined
  /** When `renew` has something to do, as far as time tells; milliseconds since the epoch. */
  readonly dueAt: number | undefined
  /** @param changed called when there is another; from now on there is to be one */
  serve(changed: () => void): void
  /** Makes a pair where there is none, or none that lasts. */
  renew(engine: Engine): Promise<void>
}
