import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { documentNumber, serial, time } from './terms.ts'

const document = z.strictObject({
  accepted: z.boolean(),
  subject: z.string(),
  serial,
  notBefore: time,
  notAfter: time,
  trustStatement: documentNumber,
  bundle: documentNumber,
  rules: z.array(
    z.strictObject({
      rule: z.string(),
      passed: z.boolean().nullable().describe('null: an earlier refusal left nothing to judge'),
      message: z.string(),
      fix: z.string().optional(),
    }),
  ),
})
export type VerifyDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [{ document }]
