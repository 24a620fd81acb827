import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import { operatorLabel } from '../services/service-record.ts'

/**
 * Somebody named whom not to wait for (`--without`): instances, and operators as `operator alice`.
 *
 * @throws AuthorityError `INSTANCE_UNKNOWN` where one of them is nobody's name
 */
export function checkLeftOut({ store, config }: Engine, leftOut: readonly string[]): void {
  const instances = store.instances().map(({ id }) => id)
  const known = new Set([...instances, ...[...config.operators.keys()].map(operatorLabel)])
  const unknown = leftOut.find((name) => !known.has(name))
  if (unknown === undefined) return
  throw new AuthorityError(
    'INSTANCE_UNKNOWN',
    `found no instance ${unknown}; allowed: ${[...known].slice(0, 20).join(', ')}`,
    { data: { found: unknown } },
  )
}
