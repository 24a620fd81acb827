import { revocationReasons } from '@datapunk/authority'
import { z } from 'zod'

/** RFC 3339 in UTC: `2026-11-23T21:51:00Z`. */
export const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  .meta({ format: 'date-time' })

/** The same to the millisecond, for what took how long. */
export const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .meta({ format: 'date-time' })

export const count = z.int().min(0)

/** Of a certificate, lowercase hex. */
export const serial = z.string().regex(/^([0-9a-f]{2})+$/)

/** SHA-256, or what else a certificate holds as octets: lowercase hex. */
export const hex = z.string().regex(/^([0-9a-f]{2})*$/)

/** Of a trust statement or bundle: `1.42`, generation and counter. */
export const documentNumber = z.string().regex(/^\d+\.\d+$/)

export const reason = z.enum(revocationReasons)

export const slotKind = z.enum(['root', 'issuing-ca', 'bundle-key', 'log'])
export const slotState = z.enum(['prepared', 'active', 'retiring', 'retired', 'compromised'])

/** Of the checks that may be wanted, and are reported before they are. */
export const requirement = z.enum(['off', 'report', 'required'])

export const instance = z.strictObject({ service: z.string(), instance: z.string() })

export const failedInstance = z.strictObject({ instance: z.string(), message: z.string() })
