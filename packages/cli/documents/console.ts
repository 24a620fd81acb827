import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { time } from './terms.ts'

const document = z.strictObject({ url: z.string(), endsAt: time })
export type ConsoleDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [{ document }]
