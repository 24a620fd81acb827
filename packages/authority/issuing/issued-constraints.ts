import { caCertificate } from '../engine/ca-certificate.ts'
import type { Engine } from '../engine/engine.ts'
import { type Constraints, permittedPart } from '../services/constraints.ts'
import type { Settings } from '../services/settings.ts'
import type { SlotRow } from '../store/rows.ts'

/** What the certificate of an issuing CA was asked to allow; undefined while it has none. */
export function issuedConstraints({ store }: Pick<Engine, 'store'>, slot: SlotRow): string | undefined {
  return slot.certificate && store.certificate(caCertificate(slot.certificate).serial)?.request
}

/** What a certificate may say now: until there is an issuing CA that may sign for all of it, it is renewed without the rest. */
export function settingsToCertify(constraints: Constraints | undefined, settings: Settings): Settings {
  return (constraints && permittedPart(constraints, settings)) ?? settings
}
