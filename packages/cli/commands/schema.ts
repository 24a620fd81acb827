import { configJsonSchema, configReference } from '@datapunk/protocol'
import type { CommandSpec } from '../command-spec.ts'
import { exitCode } from '../exit-code.ts'

export const schemaCommand: CommandSpec<{ reference?: boolean }> = {
  name: 'schema',
  summary: 'the JSON Schema of the config file, for editors',
  options: [['--reference', 'the reference page instead, as Markdown']],
  json: 'the JSON Schema (draft 2020-12); it is JSON with or without',
  examples: ['mtls schema > mtls-config.schema.json', 'mtls schema --reference > docs/configuration.md'],
  run({ output }, { reference }) {
    if (reference) output.print(configReference())
    else output.printJson(configJsonSchema())
    return exitCode.done
  },
}
