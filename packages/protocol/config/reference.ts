import { z } from 'zod'
import { configText } from './text.ts'

type JsonSchema = {
  description?: string
  type?: string
  const?: unknown
  enum?: unknown[]
  default?: unknown
  anyOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  additionalProperties?: JsonSchema | boolean
  items?: JsonSchema
  minimum?: number
  maximum?: number
}

/** The published JSON Schema (draft 2020-12) of the config file: what `mtls schema` prints. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configText, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>
}

/** The reference page, Markdown: one table a section, drawn from the schema. */
export function configReference(): string {
  const schema = configJsonSchema() as JsonSchema
  const lines = [
    '# Configuration reference',
    '',
    'Drawn from the schema by `mtls schema --reference`; a test holds this page against it. `mtls schema` prints the same as JSON Schema for your editor.',
    '',
  ]
  const rows: string[] = []
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (name === 'environments') continue
    const nested = property.properties ?? namedProperties(property)
    if (nested === undefined) rows.push(row(name, property))
    else lines.push(...section(name, property, nested))
  }
  return `${[
    ...lines,
    '## At the top',
    '',
    ...table(rows),
    `| \`environments.NAME\` | the same keys as above | | ${schema.properties?.environments?.description ?? ''} |`,
    '',
  ].join('\n')}`
}

/** Of what has names of its own. */
const titles: Readonly<Record<string, string>> = {
  services: 'services.SERVICE',
  operators: 'operators.OPERATOR',
}

function section(name: string, property: JsonSchema, nested: Record<string, JsonSchema>): string[] {
  const title = titles[name] ?? name
  const rows = Object.entries(nested).flatMap(([key, value]) =>
    value.properties === undefined
      ? [row(key, value)]
      : Object.entries(value.properties).map(([inner, leaf]) => row(`${key}.${inner}`, leaf)),
  )
  return [`## ${title}`, '', property.description ?? '', '', ...table(rows), '']
}

function namedProperties({ additionalProperties }: JsonSchema): Record<string, JsonSchema> | undefined {
  if (typeof additionalProperties !== 'object') return undefined
  return (
    additionalProperties.properties ?? additionalProperties.anyOf?.find((one) => one.properties)?.properties
  )
}

function table(rows: readonly string[]): string[] {
  return ['| key | allowed | default | |', '| --- | --- | --- | --- |', ...rows]
}

function row(key: string, schema: JsonSchema): string {
  const value = schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``
  return `| \`${key}\` | ${allowed(schema)} | ${value} | ${schema.description ?? ''} |`
}

function allowed(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ')
  if (schema.anyOf !== undefined) return schema.anyOf.map(allowed).join(' or ')
  if (schema.type === 'array') return `list of ${allowed(schema.items ?? {})}`
  if (schema.minimum !== undefined) return `${schema.type} from ${schema.minimum} to ${schema.maximum}`
  return schema.type ?? 'text'
}
