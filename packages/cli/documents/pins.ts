import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { documentNumber, instance, time } from './terms.ts'

const pin = z.base64().describe('SHA-256 of a public key (RFC 7469)')

const pins = z.strictObject({
  bundle: documentNumber,
  mode: z.enum(['report', 'required']),
  pins: z.record(z.string().meta({ title: 'SERVICE' }), z.array(pin)),
})
export type PinsDocument = Printed<typeof pins>

const suspension = z.strictObject({
  suspendedUntil: time.nullable(),
  bundle: documentNumber,
  enforced: z.array(instance.extend({ at: time })),
  late: z.array(z.string()),
})
export type SuspensionDocument = Printed<typeof suspension>

export const forms: readonly JsonForm[] = [
  { document: pins },
  { when: 'with --suspend or --resume', document: suspension },
]
