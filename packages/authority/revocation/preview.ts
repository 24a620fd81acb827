import type { Engine } from '../engine/engine.ts'
import { isInConfig } from '../services/in-config.ts'
import type { RevocationRow } from '../store/rows.ts'
import type { RevokeRequest } from './revoke.ts'
import { findTargets } from './targets.ts'

/** What a revocation would take away, before it is asked for. */
export interface RevokePreview {
  readonly certificates: readonly {
    readonly serial: string
    readonly service: string | undefined
    readonly notAfter: number
  }[]
  /** Services that get no certificate until `mtls issue`. */
  readonly bars: readonly string[]
  /** Services that get new pairs at once. */
  readonly reissues: readonly string[]
  /** Services that are left without any valid certificate. */
  readonly lastOf: readonly string[]
  /** Issuing CAs in use: they are replaced, and everything under them is issued anew. */
  readonly cas: readonly string[]
  readonly already: readonly RevocationRow[]
  /** Keys that get no certificate any more: SHA-256 of each SPKI, lowercase hex. */
  readonly keys: readonly string[]
  /** Open connections to them, by the reports of the services at the other end. */
  readonly cuts: readonly { readonly service: string; readonly connections: number }[]
  /** Live peers that have to acknowledge. */
  readonly peers: readonly string[]
}

/**
 * What `revoke` would do. Nothing is changed.
 *
 * @throws AuthorityError `NOT_REVOCABLE`
 */
export function previewRevocation(engine: Engine, request: RevokeRequest): RevokePreview {
  const { store, peers, clock, config } = engine
  const { certificates, services, cas, already, keys } = findTargets(engine, request)
  const serials = new Set(certificates.map(({ serial }) => serial))
  const owners = new Map(store.instances().map(({ id, service }) => [id, service]))
  const cuts = new Map<string, number>()
  for (const { service, report } of peers.live()) {
    for (const { serial, count } of report?.connections ?? []) {
      if (serials.has(serial)) cuts.set(service, (cuts.get(service) ?? 0) + count)
    }
  }
  const names = services.map(({ service }) => service)
  const members = services.filter(({ state, service }) => state === 'member' && isInConfig(config, service))
  const reissues = request.reissue ? members.map(({ service }) => service) : []
  const touched = new Set(certificates.flatMap(({ instance }) => owners.get(instance ?? '') ?? []))
  const left = new Set(
    store
      .liveCertificates(clock())
      .flatMap(({ serial, instance }) => (serials.has(serial) ? [] : (owners.get(instance ?? '') ?? []))),
  )
  return {
    certificates: certificates.map(({ serial, instance, notAfter }) => ({
      ...{ serial, notAfter, service: owners.get(instance ?? '') },
    })),
    bars: request.reissue ? [] : names,
    reissues,
    lastOf: [...touched].filter((service) => !left.has(service) && !reissues.includes(service)).sort(),
    cas: cas.map(({ id }) => id),
    already,
    keys,
    cuts: [...cuts].map(([service, connections]) => ({ service, connections })),
    peers: [
      ...new Set(
        peers.live().flatMap((peer) => (peer.revoked || serials.has(peer.serial) ? [] : [peer.service])),
      ),
    ].sort(),
  }
}
