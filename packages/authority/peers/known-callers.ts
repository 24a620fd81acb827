import type { Certificate } from '@datapunk/pki'
import { PROBE } from '@datapunk/protocol'
import type { Reader } from '../store/contract.ts'
import { type TrustedSlots, trustedSlots } from '../trust/trust.ts'

/** An instance that may call, and as whom. */
export interface KnownInstance {
  readonly service: string
  readonly spiffeId: string
  /** Its service is in the mesh; the probe is let in by nobody. */
  readonly isMember: boolean
}

/** What callers are judged by: the inventory at one moment, read once for all of them. */
export class KnownCallers {
  readonly trusted: TrustedSlots
  readonly #store: Reader
  #instances: ReadonlyMap<string, KnownInstance>

  constructor(store: Reader, before?: KnownCallers) {
    this.#store = store
    const trusted = trustedSlots(store)
    // What was verified under a CA is remembered by the object it is.
    this.trusted = before !== undefined && sameCas(trusted, before.trusted) ? before.trusted : trusted
    this.#instances = instancesIn(store)
  }

  /** The instance that exactly this certificate was issued to. */
  ownerOf(
    leaf: Certificate,
  ): (KnownInstance & { readonly instance: string; readonly isRevoked: boolean }) | undefined {
    const row = this.#store.certificate(leaf.serial)
    if (row?.der === undefined || row.profile !== 'leaf' || row.instance === undefined) return undefined
    if (Buffer.compare(row.der, leaf.der) !== 0) return undefined
    // One that is new since then was not published, so nobody told us to look.
    if (!this.#instances.has(row.instance)) this.#instances = instancesIn(this.#store)
    const known = this.#instances.get(row.instance)
    return known && { ...known, instance: row.instance, isRevoked: row.state === 'revoked' }
  }
}

function instancesIn(store: Reader): ReadonlyMap<string, KnownInstance> {
  const services = new Map(store.services().map((row) => [row.service, row]))
  return new Map(
    store.instances().flatMap(({ id, service }) => {
      const { spiffeId, state } = services.get(service) ?? {}
      return spiffeId === undefined
        ? []
        : [[id, { service, spiffeId, isMember: state === 'member' && service !== PROBE }] as const]
    }),
  )
}

function sameCas(a: TrustedSlots, b: TrustedSlots): boolean {
  const ders = ({ roots, issuingCas }: TrustedSlots) => [...roots, ...issuingCas].map(({ der }) => der)
  return Buffer.concat(ders(a)).equals(Buffer.concat(ders(b)))
}
