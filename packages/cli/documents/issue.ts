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

const ofOperator = z
  .strictObject({ operator: z.string() })
  .extend(document.pick({ serial: true, notAfter: true, certificate: true }).shape)
export type IssueOperatorDocument = Printed<typeof ofOperator>

export const forms: readonly JsonForm[] = [{ document }, { when: 'with --operator', document: ofOperator }]
