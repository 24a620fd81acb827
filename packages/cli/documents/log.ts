import { z } from 'zod'
import { certificate } from './certificate.ts'
import { eventsOf } from './event.ts'
import type { JsonForm, Printed } from './json-form.ts'
import { count, instant, serial, time } from './terms.ts'

const log = z.string().describe('its origin')
const kind = z.enum(['precertificate', 'certificate'])
const message = z.string()

const entries = z.array(
  z.strictObject({
    log,
    index: count,
    loggedAt: instant,
    service: z.string(),
    kind,
    serial,
    notAfter: time,
  }),
)
export type LogEntryDocument = Printed<typeof entries>[number]

const entry = z.strictObject({
  log,
  index: count,
  loggedAt: instant,
  kind,
  certificate,
  issuers: z.array(z.string()).describe('their subjects'),
})

const proof = z.strictObject({
  log: z.strictObject({ id: z.base64(), origin: z.string(), key: z.base64() }),
  checkpoint: z.string().describe('the signed note, as the log shows it'),
  index: count,
  timestamp: z.int().describe('of the SCT, as it is hashed: milliseconds since the epoch'),
  leafHash: z.base64(),
  proof: z.array(z.base64()).describe('hashes from the leaf up'),
})
export type LogProofDocument = Printed<typeof proof>

const whole = z.strictObject({
  log,
  size: count,
  root: z.base64(),
  signedAt: instant.nullable().describe('null: it is empty, and has signed nothing yet'),
  inUse: z
    .array(z.strictObject({ service: z.string(), index: count }))
    .describe('the entries of certificates in use'),
})
export type WholeLogDocument = Printed<typeof whole>

const notVerified = z
  .strictObject({ log, error: z.strictObject({ code: z.string(), message }) })
  .describe('a log that is not whole, or can’t be read')

const verdicts = z.array(z.union([whole, notVerified]))
export type LogVerdictDocument = Printed<typeof verdicts>[number]

const copy = z.strictObject({ log, size: count, folder: z.string() })
export type LogCopyDocument = Printed<typeof copy>

const watched = z.discriminatedUnion('kind', [
  z.strictObject({ log, kind: z.literal('compared'), size: count }),
  z.strictObject({
    log,
    kind: z.literal('entry'),
    index: count,
    loggedAt: instant,
    service: z.string().optional().describe('absent, as is serial, where the certificate can’t be read'),
    serial: serial.optional(),
  }),
  z.strictObject({
    log,
    kind: z.literal('alarm'),
    leafIndex: count.optional(),
    serial: serial.optional(),
    message,
  }),
  z.strictObject({
    log,
    kind: z.literal('unrecorded').describe('logged between a backup and its restore; no alarm'),
    leafIndex: count.optional(),
    serial: serial.optional(),
    message,
  }),
  z.strictObject({ log, kind: z.literal('unreachable'), message }),
])
export type WatchedLogDocument = Printed<typeof watched>

const served = eventsOf(time, {
  ready: { url: z.string(), size: count, message },
  waiting: { message },
  'not-in-use': { message },
  'not-alone': { message },
  refused: { message },
  ended: { message },
})

export const forms: readonly JsonForm[] = [
  { when: 'list', document: entries },
  { when: 'show', document: entry },
  { when: 'prove', document: proof },
  { when: 'verify', document: verdicts },
  { when: 'export', document: copy },
  { when: 'watch', document: watched, isStream: true },
  { when: 'serve', document: served, isStream: true },
]
