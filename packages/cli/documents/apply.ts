import { z } from 'zod'
import { action } from './action.ts'
import type { JsonForm, Printed } from './json-form.ts'
import { ask } from './roll-over.ts'
import { documentNumber } from './terms.ts'

const document = z.strictObject({
  bundle: documentNumber.describe('the one in force'),
  done: z.array(action),
  declined: z.array(action).describe('destructive, and nobody said yes'),
  failed: z.array(z.strictObject({ action, message: z.string() })),
  asks: z.array(ask),
  ahead: z.string().nullable().describe('what is of the future by this clock, which no action mends'),
  purged: z.array(z.string()).describe('files that were removed'),
})
export type ApplyDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [{ document }]
