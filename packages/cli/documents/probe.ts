import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { count, time } from './terms.ts'

const cell = z.strictObject({
  service: z.string(),
  case: z.string().describe('the id of one of the cases'),
  verdict: z
    .enum(['refused', 'answered', 'let-in', 'unproven', 'unreachable', 'not-asked'])
    .describe('refused: for the rule of the case; answered: it was to be let in, and was'),
  rule: z.string().nullable().describe('for which it was refused'),
  evidence: z.string(),
  fix: z.string().nullable(),
})

const document = z.strictObject({
  mode: z.enum(['live', 'rehearsal']),
  at: time,
  tookMs: count,
  good: z.boolean().describe('nothing was let in that is to be refused, and all of that is proven'),
  services: z.array(z.string()),
  cases: z.array(z.strictObject({ id: z.string(), title: z.string() })),
  cells: z.array(cell),
  counts: z.strictObject({
    refused: count,
    answered: count,
    letIn: count,
    unproven: count,
    unreachable: count,
    notAsked: count,
  }),
})
export type ProbeDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [{ document }]
