import { z } from 'zod'
import type { JsonForm } from './json-form.ts'
import { DIALECT } from './json-schema.ts'

const document = z
  .looseObject({ $schema: z.literal(DIALECT) })
  .describe('a JSON Schema; it is JSON with or without')

export const forms: readonly JsonForm[] = [{ document }]
