import { z } from 'zod'
import { count, hex, serial, time } from './terms.ts'

const list = z.array(z.string()).optional()

const extensions = {
  dnsNames: list,
  uris: list,
  ipAddresses: list,
  emailAddresses: list,
  otherNames: list,
  keyUsage: list,
  extendedKeyUsage: list,
  ca: z.boolean().optional(),
  pathLength: count.optional(),
  permittedNames: list,
  excludedNames: list,
  subjectKeyIdentifier: hex.optional(),
  authorityKeyIdentifier: hex.optional(),
  unknownCriticalExtensions: list,
  extensions: list.describe('the name or OID of each'),
}

/** What a certificate says; a list that would be empty is absent. */
export const certificate = z.strictObject({
  version: z.int(),
  subject: z.string(),
  issuer: z.string(),
  serial,
  notBefore: time,
  notAfter: time,
  key: z.string().describe('as in ecdsa-p256 or rsa 2048'),
  ...extensions,
  signatureAlgorithm: z.string(),
  fingerprint: hex.describe('SHA-256 of it'),
  keyHash: hex.describe('SHA-256 of its public key'),
})

export const request = z.strictObject({
  subject: z.string(),
  key: z.string(),
  ...extensions,
  signatureAlgorithm: z.string(),
  keyHash: hex,
  keyProven: z.boolean().describe('its signature shows that the asker has the key'),
})

export const revocationList = z.strictObject({
  issuer: z.string(),
  number: z.string(),
  changesSince: z.string().optional().describe('of a delta: the number of its base'),
  scope: list,
  thisUpdate: time,
  nextUpdate: time,
  entries: count,
  revoked: z.array(z.string()).describe('the first hundred'),
  fingerprint: hex,
})
