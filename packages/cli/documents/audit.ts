import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { count, documentNumber, hex, time } from './terms.ts'

const entries = z.strictObject({
  entries: z.array(
    z.strictObject({
      number: count,
      at: time,
      actor: z.string().describe('on whose behalf'),
      deed: z.string(),
      entry: z.looseObject({}).describe('what was done, in the words of the deed'),
    }),
  ),
})
export type AuditDocument = Printed<typeof entries>

const verdict = z.strictObject({
  entries: count,
  root: hex.describe('of the tree of all of them, SHA-256'),
  bundles: count.describe('published bundles that they were held against'),
  signedBy: documentNumber.nullable().describe('the newest of these, whose signature was checked'),
  faults: z.array(
    z.strictObject({
      kind: z.enum(['changed', 'missing', 'inserted', 'moved', 'rewritten', 'checkpoint', 'behind']),
      from: count,
      to: count,
      was: count.nullable().describe('moved: the number it was written as'),
      bundle: documentNumber.nullable(),
      message: z.string(),
    }),
  ),
})
export type AuditVerdictDocument = Printed<typeof verdict>
export type AuditFaultDocument = AuditVerdictDocument['faults'][number]

export const forms: readonly JsonForm[] = [{ document: entries }, { when: 'verify', document: verdict }]
