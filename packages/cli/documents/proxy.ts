import { z } from 'zod'
import { eventsOf } from './event.ts'
import type { JsonForm } from './json-form.ts'
import { count, documentNumber, serial, time } from './terms.ts'

const message = z.string()
const code = z.string()
const route = z.string().describe('as in serve 0.0.0.0:6380 → unix:/run/redis/redis.sock')

const contact = {
  rule: z.string(),
  direction: z.enum(['in', 'out']).describe('in: somebody called; out: a member was called'),
  remote: z.string().optional(),
  peer: z.string().optional(),
  serial: serial.optional(),
  message,
}

const document = eventsOf(time, {
  ready: { routes: z.array(route), operator: z.string().optional().describe('HOST:PORT'), message },
  'few-files': { limit: count, room: count, message },
  refused: { ...contact, why: z.string().optional().describe('the command that explains it') },
  cut: contact,
  failed: { code, route, message },
  full: { room: count, route, message },
  rotated: { from: serial, to: serial, notAfter: time, message },
  revoked: { serial, message },
  stale: { bundle: documentNumber, expiresAt: time, expired: z.boolean(), message },
  problem: { code: code.optional(), route: route.optional(), message },
  stopping: { open: count, grace: count.describe('milliseconds'), message },
  ended: { carried: count, cut: count, message },
})

export const forms: readonly JsonForm[] = [{ document, isStream: true }]
