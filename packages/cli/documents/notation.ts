import type { JsonForm } from './json-form.ts'
import { formJsonSchema, type JsonSchema } from './json-schema.ts'

/** Names within names are shown so far down. */
const DEPTH = 2

/** As many kinds of event as are read. */
const SHOWN = 12

/** `with --plan: { actions: [{ kind, … }], asks }`: the names alone, for `--help`; `…` where they depend on a kind. */
export function notationOf({ when, document, isStream }: JsonForm): string {
  const schema = formJsonSchema(document)
  const notation = nested(schema, DEPTH) ?? 'JSON'
  const told = isStream ? `one document a line: ${notation}${kindsText(schema)}` : notation
  return when === undefined ? told : `${when}: ${told}`
}

/** Of what has names in it; undefined where its own name says enough. */
function nested(schema: JsonSchema, depth: number): string | undefined {
  if (depth === 0) return undefined
  if (schema.items !== undefined) {
    const inner = nested(schema.items, depth)
    return inner && `[${inner}]`
  }
  const key = schema.propertyNames?.title
  if (key !== undefined) return `{ ${key} }`
  const names = namesIn(schema, depth)
  return names.length > 0 ? `{ ${names.join(', ')} }` : undefined
}

function namesIn({ properties, required = [], anyOf = [], oneOf = [] }: JsonSchema, depth: number): string[] {
  if (properties !== undefined)
    return Object.entries(properties).map(([name, schema]) => {
      const inner = nested(schema, depth - 1)
      return `${name}${required.includes(name) ? '' : '?'}${inner === undefined ? '' : `: ${inner}`}`
    })
  const [first, ...others] = [...anyOf, ...oneOf].filter((one) => one.properties !== undefined)
  if (first === undefined) return []
  if (others.length === 0) return namesIn(first, depth)
  const isCommon = (name: string) => [first, ...others].every((one) => one.required?.includes(name))
  const common = Object.keys(first.properties ?? {}).filter(isCommon)
  const isAll = [first, ...others].every((one) => Object.keys(one.properties ?? {}).length === common.length)
  return isAll ? common : [...common, '…']
}

function kindsText({ oneOf = [] }: JsonSchema): string {
  const kinds = oneOf.flatMap(({ properties }) => properties?.kind?.const ?? [])
  return kinds.length === 0 || kinds.length > SHOWN ? '' : `, kind one of ${kinds.join(', ')}`
}
