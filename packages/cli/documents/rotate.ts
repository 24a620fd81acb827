import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { ask, wait } from './roll-over.ts'
import { count, failedInstance, instance, serial, slotState, time } from './terms.ts'

const rotation = z.strictObject({
  rotated: z.array(instance.extend({ serial, notAfter: time })),
  failed: z.array(failedInstance),
  slots: z
    .array(z.strictObject({ slot: z.string(), state: slotState }))
    .describe('of a CA or key: those that are on their way'),
  waits: z.array(wait),
  asks: z.array(ask),
})
export type RotationDocument = Printed<typeof rotation>

const preview = z.strictObject({
  certificates: z.array(instance.extend({ serial })),
  peers: z.array(instance).describe('live peers that are told'),
  connections: count.describe('open ones that move over'),
  absent: z.array(z.string()).describe('instances that are not live now'),
  elsewhere: z.array(z.string()).describe('instances that have to ask with a new CSR'),
})
export type RotationPreviewDocument = Printed<typeof preview>

export const forms: readonly JsonForm[] = [{ document: rotation }, { when: 'with --plan', document: preview }]
