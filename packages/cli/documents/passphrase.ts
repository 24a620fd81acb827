import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'

const document = z.strictObject({
  sealed: z.array(z.string()).describe('slots whose keys were sealed anew; not those that were so already'),
  offline: z
    .array(z.string())
    .describe('roots whose keys are kept offline: copies elsewhere open with the passphrase before only'),
})
export type PassphraseDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [{ document }]
