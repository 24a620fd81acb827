import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { time } from './terms.ts'

const document = z.strictObject({
  url: z.string(),
  endsAt: time.nullable().describe('null where operators come in by their certificates'),
})
export type ConsoleDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [{ document }]
