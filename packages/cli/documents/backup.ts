import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { count, time } from './terms.ts'

const document = z.strictObject({
  file: z.string(),
  size: count.describe('bytes'),
  meshId: z.string(),
  trustDomain: z.string(),
  generation: z.int(),
  madeAt: time.describe('the moment that it shows'),
  withoutKeys: z.array(z.string()).describe('roots whose keys are away'),
  passphraseInState: z.boolean().describe('the passphrase that opens it lies in the state folder'),
})
export type BackupDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [{ document }]
