import { z } from 'zod'
import type { Printed } from './json-form.ts'

/** What every command prints where it could not do what it was asked to. */
export const errorDocument = z
  .strictObject({
    error: z.strictObject({
      code: z.string().describe('for programs, as in CONFIG_UNREADABLE'),
      message: z.string(),
      file: z.string().optional().describe('the config file that has faults'),
      problems: z
        .array(z.strictObject({ line: z.int().min(1), column: z.int().min(1), message: z.string() }))
        .optional()
        .describe('all of its faults'),
    }),
  })
  .describe('where it could not be done')
export type ErrorDocument = Printed<typeof errorDocument>
