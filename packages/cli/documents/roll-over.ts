import { z } from 'zod'
import type { Printed } from './json-form.ts'
import { slotKind, time } from './terms.ts'

export const rollStep = z.strictObject({
  kind: z.enum(['prepare', 'publish-trust-statement', 'activate', 'retire', 'publish-lists', 'compromise']),
  slotKind: slotKind.optional().describe('prepare, compromise: of which kind'),
  slots: z.array(z.string()).optional().describe('activate, retire, compromise: which ones'),
  reason: z.string(),
})

export const rootKeyPlace = z.strictObject({
  slot: z.string(),
  path: z.string(),
  instead: z.string().optional().describe('the root whose key lies there instead'),
})

export const ask = z
  .strictObject({
    step: rollStep,
    keys: z.array(rootKeyPlace).describe('those that are away, and where each is looked for'),
    until: time.nullable().describe('when what is in use now ends; null where nothing ends meanwhile'),
  })
  .describe('a step that can’t be taken because keys of roots are away')
export type AskDocument = Printed<typeof ask>

export const wait = z
  .strictObject({
    stage: z.enum(['prepare', 'distribute', 're-issue', 'drain', 'require']),
    slot: z.string(),
    late: z.array(z.strictObject({ instance: z.string(), reason: z.string() })),
    until: time.nullable().describe('when it goes on whoever is late; null where it does not'),
  })
  .describe('a step that can’t be taken yet, and whom it waits for')
export type WaitDocument = Printed<typeof wait>
