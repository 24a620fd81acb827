import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { serial, time } from './terms.ts'

const document = z.strictObject({
  service: z.string(),
  instance: z.string(),
  serial,
  notAfter: time,
  certificate: z.string().describe('the chain, PEM: leaf, then issuing CA'),
})
export type IssueDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [{ document }]
