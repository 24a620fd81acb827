import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { count, documentNumber, failedInstance, instance, instant, reason, serial, time } from './terms.ts'

const already = z.strictObject({ serial, reason, at: time }).describe('was revoked before, and stays so')
const keys = z
  .array(z.string().describe('SHA-256 of the SubjectPublicKeyInfo, lowercase hex'))
  .describe('that others have: none of them gets a certificate any more')

const revocation = z.strictObject({
  recordedAt: instant,
  bundle: documentNumber.describe('the one that lists it'),
  revoked: z.array(
    z.strictObject({
      serial,
      service: z.string().nullable().describe('null: a certificate of the authority itself'),
    }),
  ),
  already: z.array(already),
  keys,
  barred: z.array(z.string()).describe('services that get no certificate until mtls issue'),
  reissued: z.array(z.string()),
  failed: z.array(failedInstance).describe('instances that could not be given new pairs'),
  enforced: z.array(instance.extend({ afterMs: count.describe('milliseconds since recordedAt') })),
  late: z.array(z.string()).describe('live instances that have not said that they enforce it'),
  silent: z.array(
    z.strictObject({ instance: z.string(), until: time.describe('it may go on by what it knew') }),
  ),
  byFile: z.array(z.string()).describe('instances that read files, and were told'),
  untold: z.array(z.string()).describe('instances that read files, and have not been told yet'),
  served: z.boolean().describe('an authority serves peers'),
})
export type RevocationDocument = Printed<typeof revocation>

const preview = z.strictObject({
  certificates: z.array(z.strictObject({ serial, service: z.string().nullable(), notAfter: time })),
  bars: z.array(z.string()),
  reissues: z.array(z.string()).describe('services that get new pairs at once'),
  lastOf: z.array(z.string()).describe('services that are left without any certificate'),
  cas: z.array(z.string()).describe('issuing CAs that are replaced'),
  already: z.array(already),
  keys,
  cuts: z.array(z.strictObject({ service: z.string(), connections: count })),
  peers: z.array(z.string()).describe('who is told and waited for'),
})
export type RevocationPreviewDocument = Printed<typeof preview>

export const forms: readonly JsonForm[] = [
  { document: revocation },
  { when: 'with --plan', document: preview },
]
