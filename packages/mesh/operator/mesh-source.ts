import type { Registry } from 'prom-client'
import type { Clock } from '../clock.ts'
import type { Condition, Counters } from '../mesh-events.ts'
import { meshMetrics } from './mesh-metrics.ts'
import { registryOf } from './metric.ts'
import type { OperatorSource } from './operator-port.ts'

/** A service as its operator sees it; a `Mesh` is one. */
export interface Watched {
  readonly condition: Condition
  readonly counters: Counters
}

/**
 * The metrics of a service as a registry of prom-client, for services that have one of their own:
 * `Registry.merge([register, metricsOf(mesh)])`.
 */
export function metricsOf(mesh: Watched, now: () => number = Date.now): Registry {
  return registryOf(meshMetrics, () => ({ condition: mesh.condition, counters: mesh.counters, now: now() }))
}

/** A service answers as long as it works at all; it is ready while it may serve and call. */
export function meshSource(mesh: Watched, clock: Clock): OperatorSource {
  const registry = metricsOf(mesh, () => clock.now())
  return {
    metrics: async () => ({ type: registry.contentType, text: await registry.metrics() }),
    sickness: () => undefined,
    unreadiness: () => {
      const { fault } = mesh.condition
      return fault && `${fault.message} [${fault.rule}]`
    },
  }
}
