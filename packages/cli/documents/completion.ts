import { z } from 'zod'
import type { JsonForm, Printed } from './json-form.ts'
import { shells } from './shells.ts'

const document = z.strictObject({ shell: z.enum(shells), script: z.string() })
export type CompletionDocument = Printed<typeof document>

const services = z.strictObject({ services: z.array(z.string()) })
export type ServicesDocument = Printed<typeof services>

export const forms: readonly JsonForm[] = [{ document }, { when: 'with --services', document: services }]
