import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { count } from './terms.ts'

const document = z.strictObject({
  findings: z.array(
    z.strictObject({
      id: z.string().describe('for programs, as in bundle-stale'),
      severity: z.enum(['error', 'warning', 'note']),
      subject: z.string().describe('the service, mesh, authority, or the file'),
      found: z.string(),
      fix: z.string(),
    }),
  ),
  errors: count,
  warnings: count,
  notes: count,
})
export type DoctorDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [{ document }]
