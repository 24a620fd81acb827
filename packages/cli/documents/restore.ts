import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { rootKeyPlace } from './roll-over.ts'
import { time } from './terms.ts'

const continued = z.strictObject({
  generation: z.int(),
  bundleKey: z.string().describe('the slot of the new bundle key'),
  rootKeys: z.array(rootKeyPlace).describe('those that are away, and have to sign'),
  barred: z
    .array(z.string())
    .describe('services that were revoked since: they get no certificate until `mtls issue`'),
})
export type ContinueDocument = Printed<typeof continued>

const restored = continued.extend({
  meshId: z.string(),
  trustDomain: z.string(),
  madeAt: time,
  movedTo: z.string().nullable().describe('where what was there lies now'),
})
export type RestoreDocument = Printed<typeof restored>

export const forms: readonly JsonForm[] = [
  { document: restored },
  { when: 'with --continue', document: continued },
]
