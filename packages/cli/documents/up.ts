import type { AuthorityEventDetails, AuthorityEventKind } from '@datapunk/authority'
import { refusedPairKinds } from '@datapunk/authority'
import { z } from 'zod'
import { action } from './action.ts'
import { errorDocument } from './error.ts'
import { type EventDetails, eventsOf } from './event.ts'
import type { JsonForm } from './json-form.ts'
import { ask, rootKeyPlace, wait } from './roll-over.ts'
import { count, documentNumber, instant, reason, requirement, serial } from './terms.ts'

const text = z.string()
const slot = { slot: text }
const ca = { slot: text, serial, notAfter: instant }
const failure = { error: text }
const why = { reason: text }

/** Every field that the authority tells, and no other; absent only where it may be. */
type ShapeOf<Detail> = { readonly [Field in keyof Detail]-?: z.ZodType<Detail[Field]> }

/** By the authority. */
const authorityDetails = {
  'mesh-created': { meshId: text, trustDomain: text },
  'root-created': ca,
  'issuing-ca-created': ca,
  'key-activated': slot,
  'key-retired': { slot: text, reason: text.optional() },
  'key-compromised': slot,
  'trust-statement-published': { number: documentNumber },
  'bundle-published': { number: documentNumber },
  'bundle-enforced': {
    number: documentNumber,
    peers: count,
    after: count.describe('milliseconds from when it was signed until the last live peer enforced it'),
  },
  'service-added': why,
  'service-changed': why,
  'service-removed': why,
  'service-barred': { reason },
  'service-let-in': {},
  'certificate-issued': {
    instance: text.optional().describe('absent, and operator too: a certificate of the authority itself'),
    operator: text.optional(),
    slot: text.optional().describe('of an OCSP signer: its issuing CA'),
    toBe: z.enum(refusedPairKinds).optional().describe('of the probe: what it is shown as'),
    serial,
    notAfter: instant,
  },
  'certificate-revoked': { serial, reason },
  'list-published': { slot: text, entries: count, notAfter: instant },
  'issue-failed': {
    instance: text.optional(),
    slot: text.optional(),
    error: text,
    nextTryAt: instant.optional(),
  },
  'files-purged': { dir: text },
  'pinning-changed': { from: requirement, to: requirement },
  'pins-suspended': { until: instant },
  'pins-resumed': {},
  'outage-budget': { endedBy: text, until: instant },
  halted: { evidence: text },
  'backed-up': { file: text, size: count },
  restored: {
    generation: z.int(),
    bundleKey: text,
    rootKeys: z.array(rootKeyPlace),
    barred: z.array(z.string()),
    madeAt: instant.optional().describe('of the backup; absent where the authority goes on without one'),
  },
  'peer-refused': {
    code: text,
    error: text,
    instance: text.optional(),
    serial: serial.optional(),
    remote: text.optional(),
  },
  reloaded: { instance: text, serial },
  'reload-failed': { instance: text, error: text, nextTryAt: instant },
  'rotation-held': { instance: text, serial },
  'rotation-resumed': { instance: text },
  'log-alarm': {
    message: text,
    log: text.optional(),
    leafIndex: count.optional(),
    serial: serial.optional(),
    instance: text.optional(),
    rule: text.optional(),
    size: count.optional(),
    root: text.optional(),
    sct: z.base64().optional(),
    precertificate: z.base64().optional(),
  },
  'log-unavailable': failure,
  'transparency-changed': { scts: requirement },
  'status-served': { address: text },
  'status-failed': failure,
  'store-failed': failure,
  'socket-renewed': { path: text },
  'socket-failed': { path: text, error: text },
  'metrics-served': { address: text },
  'metrics-failed': failure,
  'console-served': { url: text },
  'console-failed': failure,
  'console-sessions-failed': failure,
  'operator-refused': {
    code: text,
    error: text,
    serial: serial.optional(),
    remote: text.optional(),
  },
  'clock-jumped': { by: z.int().describe('milliseconds; above zero after a sleep'), message: text },
} satisfies { readonly [Kind in AuthorityEventKind]: ShapeOf<AuthorityEventDetails[Kind]> }

/** By `mtls up` itself, and of them by whoever tells them. */
const ownDetails = {
  ready: { bundle: documentNumber, services: count, socket: text, message: text },
  waiting: { actions: z.array(action), message: text },
  failed: { action, message: text },
  'roll-over': { ...wait.shape, message: text },
  'root-key-needed': { ...ask.shape, message: text },
  problem: { ...errorDocument.shape, message: text },
  'events-missed': { missed: count.describe('by `mtls events`, which reads too slowly'), message: text },
  ended: { message: text },
} satisfies EventDetails

/** What `mtls up` itself has to say, besides what its authority does; each has a `message`. */
export type OwnEventKind = keyof typeof ownDetails | 'clock-jumped'

const document = eventsOf(instant, { ...authorityDetails, ...ownDetails })

export const forms: readonly JsonForm[] = [{ document, isStream: true }]
