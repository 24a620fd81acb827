import { z } from 'zod'

/** RFC 3339 in UTC on the wire, milliseconds since the epoch in the program. */
export const dateTime = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/)
  .transform((text, context) => {
    const time = Date.parse(text)
    if (Number.isNaN(time)) context.addIssue('not a date')
    return time
  })

/** Base64 on the wire, bytes in the program. */
export const derBase64 = z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64'))
