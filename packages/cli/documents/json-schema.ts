import { z } from 'zod'
import { errorDocument } from './error.ts'
import type { JsonForm } from './json-form.ts'

export const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** As much of JSON Schema as our documents need. */
export interface JsonSchema {
  readonly title?: string
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly propertyNames?: JsonSchema
  readonly additionalProperties?: JsonSchema | boolean
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
}

/** What `mtls NAME --json` may print: one of its forms, or the error. For forms that stream, one line of it. */
export function commandJsonSchema(
  name: string,
  forms: readonly JsonForm[],
): Readonly<Record<string, unknown>> {
  const documents = forms.map(({ when, document, isStream }) => ({
    title: [`mtls ${name} --json`, when, isStream && 'a line each'].filter(Boolean).join(', '),
    ...formJsonSchema(document),
  }))
  const anyOf = [...documents, formJsonSchema(errorDocument)]
  return { $schema: DIALECT, title: `mtls ${name} --json`, anyOf }
}

export function formJsonSchema(document: z.ZodType): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(document, {
    override: ({ jsonSchema }) => dropLimits(jsonSchema),
  })
  return schema as JsonSchema
}

/** Those of the language, which say nothing of the document. */
function dropLimits(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum
}
