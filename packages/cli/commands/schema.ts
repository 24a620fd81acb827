import { configJsonSchema, configReference, spellingHint } from '@datapunk/protocol'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import type { Context } from '../context.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'

interface SchemaOptions {
  readonly reference?: boolean
  readonly command?: string
}

/** @param all every command there is, this one too */
export const schemaCommand = (all: () => Promise<readonly CommandSpec[]>): CommandSpec<SchemaOptions> => ({
  name: 'schema',
  summary: 'the JSON Schema of the config file, for editors, or of what a command prints with --json',
  options: [
    ['--reference', 'the reference page of the config file instead, as Markdown'],
    ['--command <command>', 'the schema of what this command prints with --json instead'],
  ],
  json: () => import('../documents/schema.ts'),
  examples: [
    'mtls schema > mtls-config.schema.json',
    'mtls schema --reference > docs/configuration.md',
    'mtls schema --command status > mtls-status.schema.json',
  ],
  async run(context, { reference, command }) {
    const { output, json } = context
    if (reference && (json || command !== undefined))
      throw new CliError(
        'USAGE',
        'found --reference with --json or --command; allowed: it alone, because it is Markdown',
      )
    if (command !== undefined) return showCommand(context, await all(), command)
    if (reference) output.print(configReference())
    else output.printJson(configJsonSchema())
    return exitCode.done
  },
})

async function showCommand(
  { output }: Context,
  all: readonly CommandSpec[],
  name: string,
): Promise<ExitCode> {
  const spec = all.find((one) => one.name === name)
  if (spec === undefined) throw unknownCommand(all, name)
  const { commandJsonSchema } = await import('../documents/json-schema.ts')
  const { forms } = await spec.json()
  output.printJson(commandJsonSchema(name, forms))
  return exitCode.done
}

function unknownCommand(all: readonly CommandSpec[], name: string): CliError {
  const names = all.map((one) => one.name)
  return new CliError(
    'USAGE',
    `found the command ${JSON.stringify(name)}${spellingHint(name, names)}; allowed: ${names.join(', ')}`,
  )
}
