import { z } from 'zod'
import { shells } from '../completion-script.ts'
import type { JsonForm, Printed } from './json-form.ts'

const document = z.strictObject({ shell: z.enum(shells), script: z.string() })
export type CompletionDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [{ document }]
