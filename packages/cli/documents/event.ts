import { z } from 'zod'

/** What is told of each kind of event. */
export type EventDetails = Readonly<Record<string, z.core.$ZodLooseShape>>

/**
 * Events as a command prints them, a line each.
 *
 * @param at how finely it tells the time
 */
export function eventsOf(at: z.ZodString, details: EventDetails): z.ZodType {
  const [first, ...others] = Object.entries(details).map(([kind, detail]) =>
    z.strictObject({
      kind: z.literal(kind),
      subject: z.string().describe('the service, mesh, authority or log'),
      at,
      detail: z.strictObject(detail),
    }),
  )
  return z.discriminatedUnion('kind', [first!, ...others])
}
