import assert from 'node:assert/strict'
import { z } from 'zod'
import type { CommandSpec } from '../command-spec.ts'
import { errorDocument } from '../documents/error.ts'
import { commandJsonSchema } from '../documents/json-schema.ts'

/** Holds what commands print with `--json` against their schemas, and keeps account of the forms that were seen. */
export class JsonLedger {
  readonly #specs: readonly CommandSpec[]
  readonly #seen = new Set<string>()

  constructor(specs: readonly CommandSpec[]) {
    this.#specs = specs
  }

  /**
   * @param form as in `plan` or `revoke with --plan`: the command, and what its form says of `when`
   * @param printed all of stdout
   */
  async hold(form: string, printed: string): Promise<void> {
    const [name = '', ...when] = form.split(' ')
    const spec = this.#specs.find((one) => one.name === name)
    assert.ok(spec, `there is no command ${name}`)
    const { forms } = await spec.json()
    const found = forms.find((one) => (one.when ?? '') === when.join(' '))
    assert.ok(found, `mtls ${name} documents no form "${when.join(' ')}"`)
    const published = z.fromJSONSchema(commandJsonSchema(name, forms) as z.core.JSONSchema.JSONSchema)
    const documents = documentsIn(printed, found.isStream)
    assert.ok(documents.length > 0, `mtls ${form} printed nothing`)
    for (const document of documents) {
      holdAgainst(found.document, document, form)
      holdAgainst(published, document, `${form}, as published`)
    }
    this.#seen.add(form)
  }

  holdError(printed: string): void {
    const [document, ...others] = documentsIn(printed, true)
    holdAgainst(errorDocument, document, 'an error')
    assert.deepEqual(others, [])
  }

  /** Forms that are documented, and that nothing was held against. */
  async unseen(): Promise<readonly string[]> {
    const documented = await Promise.all(
      this.#specs.map(async ({ name, json }) =>
        (await json()).forms.map(({ when }) => (when === undefined ? name : `${name} ${when}`)),
      ),
    )
    return documented.flat().filter((form) => !this.#seen.has(form))
  }
}

function documentsIn(printed: string, isStream = false): unknown[] {
  if (!isStream) return [JSON.parse(printed)]
  assert.ok(printed.endsWith('\n'), 'the last line is not whole')
  return printed
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** Strictly: what is not in the schema is a fault, as is what is missing. */
export function holdAgainst(schema: z.ZodType, document: unknown, what: string): void {
  const { error } = schema.safeParse(document)
  if (error !== undefined)
    assert.fail(`${what}: ${z.prettifyError(error)}\nin ${JSON.stringify(document, undefined, 2)}`)
}
