import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'

const document = z.strictObject({ file: z.string() })
export type InitDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [{ document }]
