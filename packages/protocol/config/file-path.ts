import { z } from 'zod'

const error = 'a file path, absolute or relative to this file, without ".." and under 4096 bytes'

/** A path in the config file. One that climbs out of its folder is refused. */
export const filePath = z
  .string({ error })
  .refine(
    (value) =>
      value !== '' && value.length < 4096 && !value.includes('\0') && !/(^|\/)\.\.(\/|$)/.test(value),
    { error },
  )
