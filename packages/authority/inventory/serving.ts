import type { Engine } from '../engine/engine.ts'
import type { CertificateRow } from '../store/rows.ts'
import { latestTime } from '../timing/issued-ahead.ts'
import { pairsOnDisk } from './take-inventory.ts'

/**
 * The certificates that instances show and peers accept: of the pair that lies on disk, which after a crash may not be the one
 * recorded last; not revoked, not ended, not of the future, under an issuing CA that is still trusted, and in no log that was stolen.
 *
 * @param pairs as `pairsOnDisk`
 */
export function servedCertificates(
  engine: Pick<Engine, 'store' | 'disk' | 'layout' | 'clock' | 'config'>,
  pairs: ReadonlyMap<string, string> = pairsOnDisk(engine),
): ReadonlyMap<string, CertificateRow> {
  const { store, clock } = engine
  const [now, latest] = [clock(), latestTime(engine)]
  const trusted = new Set(
    store.slots().flatMap(({ id, state }) => (state === 'active' || state === 'retiring' ? [id] : [])),
  )
  const stolen = new Set(
    store.slots().flatMap(({ id, kind, state }) => (kind === 'log' && state === 'compromised' ? [id] : [])),
  )
  const newest = new Map(store.currentCertificates().map((row) => [row.serial, row]))
  const served = new Map<string, CertificateRow>()
  for (const [instance, serial] of pairs) {
    const row = newest.get(serial) ?? store.certificate(serial)
    const isValid =
      row?.state === 'issued' && row.instance === instance && row.notBefore <= latest && now < row.notAfter
    if (isValid && trusted.has(row.slot) && !stolen.has(row.log ?? '')) served.set(instance, row)
  }
  return served
}
