import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { documentNumber, time } from './terms.ts'

const explanation = z.strictObject({
  accepted: z.boolean().describe('false also where that stays open, which `judged` tells'),
  code: z.string().nullable().describe('the rule by which the gate refuses'),
  judged: z
    .boolean()
    .describe('false: a certificate can’t be read by this user, so that rules about it are left open'),
  rules: z.array(
    z.strictObject({
      rule: z.string(),
      passed: z.boolean().nullable(),
      message: z.string(),
      code: z.string().nullable(),
      fix: z.string().nullable(),
    }),
  ),
})
export type ExplanationDocument = Printed<typeof explanation>

const gate = z.strictObject({
  self: z.string().describe('whose gate it is'),
  peer: z.string(),
  direction: z.enum(['in', 'out']).describe('in: the callee’s; out: the caller’s'),
  byBundle: explanation,
  byFile: explanation.describe('as the config file would have it'),
})
export type GateDocument = Printed<typeof gate>

const document = z.strictObject({
  caller: z.string(),
  callee: z.string(),
  at: time,
  bundle: documentNumber,
  accepted: z.strictObject({ byBundle: z.boolean(), byFile: z.boolean() }),
  differs: z.boolean().describe('the file would have it otherwise than it is'),
  certificates: z
    .strictObject({ caller: z.string().nullable(), callee: z.string().nullable() })
    .describe('where each was found'),
  unread: z
    .strictObject({ caller: z.string().nullable(), callee: z.string().nullable() })
    .describe('why a certificate could not be looked at'),
  gates: z.array(gate),
})
export type WhyDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [{ document }]
