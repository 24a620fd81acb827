import type { z } from 'zod'

/** One thing that a command prints with `--json`. */
export interface JsonForm {
  /** Which call prints it, as in `with --plan`; absent where every call that no other form names does. */
  readonly when?: string
  readonly document: z.ZodType
  /** One document a line, as they come, rather than one in all. */
  readonly isStream?: true
}

/** What is printed as a schema says, for whoever makes it. */
export type Printed<Schema extends z.ZodType> = Frozen<z.output<Schema>>

type Frozen<Value> = Value extends object ? { readonly [Name in keyof Value]: Frozen<Value[Name]> } : Value
