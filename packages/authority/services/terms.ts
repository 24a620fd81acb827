import { PROBE } from '@datapunk/protocol'
import type { Reader } from '../store/contract.ts'
import type { TermRow } from '../store/rows.ts'
import { goneInstances } from './succession.ts'

/**
 * How long services have certificates. That the probe’s ends harms nobody, nor that of a key elsewhere which is gone.
 *
 * @param now milliseconds since the epoch
 */
export function termsOfServices(store: Pick<Reader, 'terms'>, now: number): readonly TermRow[] {
  const terms = store.terms()
  const elsewhere = Map.groupBy(
    terms.filter(({ place }) => place === 'elsewhere'),
    ({ service }) => service,
  )
  const gone = new Set([...elsewhere.values()].flatMap((keys) => [...goneInstances(keys, now)]))
  return terms.filter(({ service, instance }) => service !== PROBE && !gone.has(instance))
}
