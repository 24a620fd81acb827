import { z } from 'zod'
import { rollStep } from './roll-over.ts'

const address = z.strictObject({ host: z.string(), port: z.int().optional() })

const settings = z
  .strictObject({
    commonName: z.string(),
    dnsNames: z.array(z.string()),
    ipAddresses: z.array(z.string()),
    organization: z.string(),
    country: z.string(),
    keyAlgorithm: z.enum(['rsa', 'ecdsa-p256', 'ecdsa-p384', 'ed25519', 'ml-dsa-65']),
    keySize: z.literal([2048, 3072, 4096]),
    mustStaple: z.boolean(),
    validityDays: z.number(),
    renewAt: z.number(),
    allow: z.union([z.literal('members'), z.array(z.string())]),
    minTls: z.enum(['1.3', '1.2']),
    address: address.nullable(),
    listen: address.nullable(),
    cert: z.string(),
    key: z.string(),
    owner: z.string().nullable(),
    group: z.string().nullable(),
    mode: z.int(),
  })
  .partial()

const serviceDeeds = [
  'add-service',
  'rename-service',
  'remove-service',
  'change-names',
  'change-certificate',
  'change-lifetime',
  'change-callers',
  'change-tls',
  'change-place',
] as const

const common = {
  subject: z.string().describe('the service, or mesh'),
  safety: z.enum(['safe', 'destructive']),
  reason: z.string(),
}

/** What a plan would have done, or an apply has. */
export const action = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.enum(serviceDeeds),
    ...common,
    settings: settings.describe('those that change, and to what'),
    from: z.string().optional().describe('rename-service: the service it was before'),
  }),
  z.strictObject({
    kind: z.enum(['issue', 'renew', 'make-next-key', 'link-files']),
    ...common,
    instance: z.string(),
  }),
  z.strictObject({
    ...common,
    ...rollStep.shape,
    kind: z.enum([
      'create-mesh',
      'change-transparency',
      'change-pinning',
      'publish',
      ...rollStep.shape.kind.options,
    ]),
    scts: z.enum(['report', 'required']).optional(),
    follows: z.literal(true).optional().describe('publish: only because of the other actions'),
  }),
])
