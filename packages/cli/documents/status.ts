import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { ask, rootKeyPlace, wait } from './roll-over.ts'
import { count, documentNumber, requirement, serial, slotKind, slotState, time } from './terms.ts'

const ca = z.strictObject({
  slot: z.string(),
  kind: slotKind,
  state: slotState,
  subject: z.string(),
  serial,
  notBefore: time,
  notAfter: time,
})

const attempt = z.strictObject({ error: z.string(), nextTryAt: time })

const service = z.strictObject({
  service: z.string(),
  instance: z.string(),
  place: z.enum(['here', 'elsewhere']).describe('where its key lives'),
  names: z.array(z.string()),
  serial: serial.nullable().describe('null: it has no certificate'),
  notBefore: time.nullable(),
  notAfter: time.nullable(),
  renewalDue: time.nullable(),
  pair: z.enum(['current', 'other', 'missing', 'elsewhere']).describe('what the paths of the config lead to'),
  barred: z.boolean().describe('it was revoked, and gets no certificate until mtls issue'),
  held: z.boolean().describe('its renewal rests (mtls rotate --back)'),
  failed: attempt.nullable().describe('why it could not be issued a certificate'),
  untold: attempt.nullable().describe('why whoever reads its files could not be told that they have changed'),
  delivery: z.enum(['proven', 'by-file', 'unheard']),
  live: count.describe('processes that speak to the authority now'),
  versions: z.array(z.string()).describe('what they run'),
  reporting: count.describe('those that have reported what they are connected with'),
  enforced: documentNumber.nullable().describe('the bundle that all of them enforce'),
  faults: z.array(z.string()),
})

const transparency = z.strictObject({
  wanted: requirement.describe('what the config says'),
  mode: requirement.describe('what peers are told'),
  logs: z.array(z.strictObject({ slot: z.string(), state: slotState, origin: z.string() })),
  elsewhere: z.string().nullable().describe('the URL of a log that runs by itself'),
  failure: z.string().nullable().describe('why the log can’t be had'),
  unread: z.string().nullable().describe('that what the log shows could not be looked at for minutes'),
  reported: count.describe('connections that would have been refused'),
})

const pinning = z.strictObject({
  wanted: requirement,
  mode: requirement,
  suspendedUntil: time.nullable(),
  reported: count,
})

const watched = z.strictObject({
  trustDomain: z.string(),
  meshId: z.string().nullable().describe('null before the first apply'),
  environment: z.string().nullable(),
  bundle: documentNumber.nullable(),
  bundleExpiresAt: time.nullable(),
  keysUnprotected: z.boolean(),
  backedUpAt: time.nullable(),
  keysSinceBackup: z.array(z.string()).describe('slots of keys that the last backup lacks'),
  cas: z.array(ca),
  services: z.array(service),
  links: z
    .array(z.strictObject({ caller: z.string(), callee: z.string(), count }))
    .describe('open connections, as live peers report them'),
  served: z.boolean().describe('peers can reach the authority that says this'),
  waits: z.array(wait),
  asks: z.array(ask),
  takeAway: z.array(rootKeyPlace).describe('keys of roots that nothing needs here'),
  transparency,
  pinning,
  outage: z
    .strictObject({
      until: time,
      endedBy: z.strictObject({ kind: z.enum(['bundle', 'certificate', 'list']), subject: z.string() }),
    })
    .nullable()
    .describe('how long the mesh goes on if the authority does nothing from now on'),
  faults: z.array(z.string()).describe('what is wrong with the mesh as a whole'),
})

const document = watched.extend({ outageBudgetSeconds: count.nullable() })
export type StatusDocument = Printed<typeof document>

export const forms: readonly JsonForm[] = [
  { document },
  { when: 'with --watch', document: watched, isStream: true },
]
