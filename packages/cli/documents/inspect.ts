import { z } from 'zod'
import { certificate, request, revocationList } from './certificate.ts'
import type { JsonForm } from './json-form.ts'

const document = z.array(
  z.discriminatedUnion('type', [
    certificate.extend({ type: z.literal('certificate') }),
    request.extend({ type: z.literal('certificate request') }),
    revocationList.extend({ type: z.literal('revocation list') }),
  ]),
)

export const forms: readonly JsonForm[] = [{ document }]
