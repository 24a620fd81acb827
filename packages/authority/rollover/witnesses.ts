import type { Engine } from '../engine.ts'
import type { Witness, Witnesses } from './late.ts'

/** What is known of those for whom a roll-over would wait: the live peers of members, and whoever reads files. */
export function witnessesOf(
  { store, peers }: Pick<Engine, 'store' | 'peers'>,
  undelivered: readonly string[],
): Witnesses {
  const members = new Set(store.services().flatMap((row) => (row.state === 'member' ? [row.service] : [])))
  const instances = new Set(
    store.instances().flatMap(({ id, service }) => (members.has(service) ? [id] : [])),
  )
  const signers = new Map<string, string | undefined>()
  const signerOf = (serial: string) => {
    if (!signers.has(serial)) signers.set(serial, store.certificate(serial)?.slot)
    return signers.get(serial)
  }
  const live: Witness[] = []
  for (const { instance, service, acknowledged, report } of peers.live()) {
    if (!members.has(service)) continue
    const connections = new Map<string, number>()
    for (const { serial, count } of report?.connections ?? []) {
      const slot = signerOf(serial)
      if (slot !== undefined) connections.set(slot, (connections.get(slot) ?? 0) + count)
    }
    const { trustStatement, number: bundle } = acknowledged ?? {}
    live.push({ instance, trustStatement, bundle, connections })
  }
  const known = store
    .acknowledgements()
    .filter(({ instance }) => instances.has(instance))
    .map(({ instance, trustStatement, at }) => ({ instance, trustStatement, at }))
  const state = peers.isComplete ? 'complete' : peers.isServed ? 'coming' : 'unreachable'
  return { live, state, known, undelivered }
}
