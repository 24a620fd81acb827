import type { Engine } from '../engine/engine.ts'
import type { LivePeer } from '../engine/peer-book.ts'

/** How the processes of a service are, as far as they speak to the authority. */
export interface LiveService {
  readonly peers: readonly LivePeer[]
  /** OCSP answers that are stapled to its certificates in use now, DER in base64. */
  readonly staples: readonly { readonly serial: string; readonly answer: string }[]
}

export async function liveService(
  { store, peers, staple }: Pick<Engine, 'store' | 'peers' | 'staple'>,
  service: string,
): Promise<LiveService> {
  const own = new Set(store.instances().flatMap((row) => (row.service === service ? [row.id] : [])))
  const serials = store
    .currentCertificates()
    .flatMap(({ serial, instance }) => (own.has(instance ?? '') ? [serial] : []))
  const staples = await Promise.all(serials.map(async (serial) => ({ serial, der: await staple(serial) })))
  return {
    peers: peers.live().filter((peer) => peer.service === service),
    staples: staples.flatMap(({ serial, der }) =>
      der === undefined ? [] : [{ serial, answer: Buffer.from(der).toString('base64') }],
    ),
  }
}
