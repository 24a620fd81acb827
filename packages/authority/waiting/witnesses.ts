import type { Engine } from '../engine/engine.ts'
import type { Reader } from '../store/contract.ts'
import type { Shown, Witness, Witnesses } from './late.ts'

/** What is known of those for whom a roll-over would wait: the live peers of members, and whoever reads files. */
export function witnessesOf(
  { store, peers }: Pick<Engine, 'store' | 'peers'>,
  undelivered: readonly string[],
): Witnesses {
  // Whoever is revoked is told, and waited for by nobody.
  const members = new Set(
    store
      .services()
      .flatMap(({ service, state, barredAt }) =>
        state === 'member' && barredAt === undefined ? [service] : [],
      ),
  )
  const instances = new Set(
    store.instances().flatMap(({ id, service }) => (members.has(service) ? [id] : [])),
  )
  const certificates = new Map<string, Shown | undefined>()
  const shownBy = (serial: string) => {
    if (!certificates.has(serial)) certificates.set(serial, store.certificate(serial))
    return certificates.get(serial)
  }
  const said = new Map(store.acknowledgements().map((row) => [row.instance, row]))
  const live: Witness[] = []
  for (const { instance, service, acknowledged, report, revoked, serial: speaker } of peers.live()) {
    if (revoked || !members.has(service)) continue
    const connections = new Map<string, number>()
    for (const { serial, count } of report?.connections ?? []) {
      const slot = shownBy(serial)?.slot
      if (slot !== undefined) connections.set(slot, (connections.get(slot) ?? 0) + count)
    }
    const { trustStatement, number: bundle, at } = acknowledged ?? {}
    const serial = report?.serial ?? said.get(instance)?.serial ?? speaker
    live.push({
      instance,
      trustStatement,
      bundle,
      at,
      shown: shownBy(serial),
      connections,
    })
  }
  const asked = endsOfAsked(store, said)
  const known = [...said.values()]
    .filter(
      ({ instance, serial, leftAt }) =>
        instances.has(instance) &&
        !peers.hasLeft({ instance, leftAt }) &&
        store.certificate(serial)?.state !== 'revoked',
    )
    .map(({ instance, trustStatement, generation, counter, at, serial }) => {
      const shown = shownBy(serial)
      const speaksUntil = Math.max(shown?.notAfter ?? 0, asked.get(instance) ?? 0)
      return { instance, trustStatement, bundle: { generation, counter }, at, shown, speaksUntil }
    })
  const state = peers.isComplete ? 'complete' : peers.isServed ? 'coming' : 'unreachable'
  return { live, state, known, undelivered }
}

/**
 * When the last certificate ends that each instance whose key lives elsewhere may have by now: its own newest one, or one for another
 * key, which is an instance of its own that has not spoken yet.
 *
 * @param said instances that have spoken
 */
function endsOfAsked(store: Reader, said: { has(instance: string): boolean }): ReadonlyMap<string, number> {
  const elsewhere = store.instances().filter(({ place }) => place === 'elsewhere')
  if (elsewhere.length === 0) return new Map()
  const ends = new Map(store.currentCertificates().map(({ instance, notAfter }) => [instance, notAfter]))
  const unspoken = new Map<string, number>()
  for (const { id, service } of elsewhere)
    if (!said.has(id)) unspoken.set(service, Math.max(unspoken.get(service) ?? 0, ends.get(id) ?? 0))
  return new Map(
    elsewhere.map(({ id, service }) => [id, Math.max(ends.get(id) ?? 0, unspoken.get(service) ?? 0)]),
  )
}
