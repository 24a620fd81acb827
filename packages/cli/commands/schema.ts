import { configJsonSchema, configReference, nearestSpelling } from '@datapunk/protocol'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import type { Context } from '../context.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { commandSpecs } from './command-specs.ts'

interface SchemaOptions {
  readonly reference?: boolean
  readonly command?: string
}

export const schemaCommand: CommandSpec<SchemaOptions> = {
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
    if (command !== undefined) return showCommand(context, command)
    if (reference) output.print(configReference())
    else output.printJson(configJsonSchema())
    return exitCode.done
  },
}

async function showCommand({ output }: Context, name: string): Promise<ExitCode> {
  const spec = commandSpecs.find((one) => one.name === name)
  if (spec === undefined) throw unknownCommand(name)
  const { commandJsonSchema } = await import('../documents/json-schema.ts')
  const { forms } = await spec.json()
  output.printJson(commandJsonSchema(name, forms))
  return exitCode.done
}

function unknownCommand(name: string): CliError {
  const names = commandSpecs.map((one) => one.name)
  const nearest = nearestSpelling(name, names)
  return new CliError(
    'USAGE',
    `found the command ${JSON.stringify(name)}; allowed: ${names.join(', ')}${nearest ? ` (did you mean ${nearest}?)` : ''}`,
  )
}
