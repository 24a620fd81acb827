import { z } from 'zod'
import { action } from './action.ts'
import type { JsonForm, Printed } from './json-form.ts'
import { ask } from './roll-over.ts'

const document = z.strictObject({
  trustDomain: z.string(),
  environment: z.string().nullable(),
  actions: z.array(action),
  asks: z.array(ask),
  ahead: z.string().nullable().describe('what is of the future by this clock, which no action mends'),
  obstacles: z
    .array(z.strictObject({ subject: z.string(), message: z.string() }))
    .describe('services that get no pair, because this machine does not know their owner or group'),
})
export type PlanDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [{ document }]
