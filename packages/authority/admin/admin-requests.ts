import { z } from 'zod'
import { revocationReasons } from '../store/rows.ts'

const nothing = z.undefined()
const service = z.strictObject({ service: z.string() })
const slotKind = z.enum(['root', 'issuing-ca', 'bundle-key', 'log'])
/** Base64. */
const csr = z.string()
const milliseconds = z.number().min(0)
const count = z.int().min(0)

/** Whoever has it from a report has more than its number. */
const documentNumber = z.object({ generation: z.int().min(0), counter: z.int().min(0) })

const targets = z
  .array(
    z.union([service, z.strictObject({ serial: z.string() }), z.strictObject({ certificate: z.string() })]),
  )
  .min(1)
  .readonly()

const rotation = z.union([
  z.strictObject({
    what: z.literal('pairs'),
    service: z.string().optional(),
    without: z.array(z.string()).readonly().optional(),
  }),
  z.strictObject({ what: z.enum(['back', 'resume']), service: z.string() }),
  z.strictObject({ what: slotKind, without: z.array(z.string()).readonly() }),
  z.strictObject({ what: z.literal('compromised'), kind: slotKind }),
])

const revocation = z.strictObject({
  targets,
  reason: z.enum(revocationReasons),
  reissue: z.boolean().optional(),
})

/** Answered by the bytes of a backup. @property passphrase one for it alone, base64 */
export const backupCall = z.strictObject({ passphrase: z.string().optional() })

/** What each admin call takes, as JSON: nothing more, and nothing else. */
export const adminRequests = {
  plan: nothing,
  apply: z.strictObject({ approved: z.string().nullable() }),
  issue: service,
  'issue-for-csr': z.strictObject({ service: z.string(), csr }),
  'issue-operator': z.strictObject({ operator: z.string(), csr }),
  rotate: rotation,
  'preview-rotation': rotation,
  revoke: revocation,
  'preview-revocation': revocation,
  enforcement: z.strictObject({ bundle: documentNumber, wait: milliseconds }),
  'suspend-pins': z.strictObject({ span: milliseconds.nullable() }),
  'prepare-probe': nothing,
  'refused-callers': z.strictObject({
    services: z.array(z.string()).readonly(),
    after: z.int().min(0),
    wait: milliseconds,
  }),
  ping: nothing,
  purge: nothing,
  status: nothing,
  'live-service': service,
  /** Whoever comes by a link that is read-only may look, and do nothing. */
  'console-link': z.strictObject({ readOnly: z.boolean() }),
  'record-backup': z.strictObject({
    file: z.string(),
    size: count,
    generation: count,
    madeAt: count,
    withoutKeys: z.array(z.string()).readonly(),
  }),
  'continue-from-here': nothing,
} as const
