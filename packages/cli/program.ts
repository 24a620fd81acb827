import { Command, Option } from 'commander'
import type { CommandSpec, OrderedOption } from './command-spec.ts'
import manifest from './package.json' with { type: 'json' }
import type { World } from './world.ts'

/** The options that every command has. */
export interface CommonOptions {
  readonly config?: string
  readonly env?: string
  readonly root?: string
  readonly json?: boolean
}

export const commonOptions: readonly (readonly [flags: string, description: string])[] = [
  ['--config <file>', 'the config file; else $MTLS_CONFIG, else mtls-config.yaml'],
  ['--env <name>', 'the overlay in `environments` to merge over it; else $MTLS_ENV'],
  ['--root <dir>', 'a folder put before every absolute path in it; else $MTLS_ROOT'],
  ['--json', 'one JSON document on stdout; every time in it is RFC 3339, UTC'],
]

type Run = (
  spec: CommandSpec,
  common: CommonOptions,
  options: object,
  positional: readonly string[],
) => Promise<void>

/** The command line as commander understands it. Its words go where ours go, and it never ends the process. */
export function programOf(
  specs: readonly CommandSpec[],
  { stdout, stderr }: Pick<World, 'stdout' | 'stderr'>,
  run: Run,
): Command {
  const program = new Command('mtls')
    .description('Mutual TLS from one YAML file: a certificate authority, and the mesh it serves.')
    .version(manifest.version, '--version', 'print the version')
    .helpOption('--help', 'print this')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, helpWidth: 110 })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) =>
        write(
          `mtls: ${text
            .replace(/^error: /, '')
            .trimEnd()
            .replaceAll('\n', ' ')} [USAGE]\n`,
        ),
    })
    .showHelpAfterError('`mtls --help` and `mtls COMMAND --help` show what is allowed')
    .exitOverride()
  for (const [flags, description] of commonOptions) program.option(flags, description)
  program.addHelpText(
    'after',
    '\nExit codes: 0 done; 1 the answer is bad (refused, expired, late, would change); 2 the command line or the config is wrong.\n',
  )
  for (const spec of specs) program.addCommand(commandOf(spec, program, run))
  return program
}

function commandOf(spec: CommandSpec, program: Command, run: Run): Command {
  const command = new Command(spec.name)
    .copyInheritedSettings(program)
    .summary(spec.summary)
    .description(spec.description ?? spec.summary)
    .helpOption('--help', 'print this')
  for (const argument of spec.arguments?.split(' ') ?? []) command.argument(argument)
  const inOrder: OrderedOption[] = []
  for (const [flags, description, kind] of spec.options ?? []) {
    const option = new Option(flags, description)
    if (kind === 'in order') {
      option.argParser((value) => void inOrder.push({ flag: option.long ?? flags, value }))
    }
    command.addOption(option)
  }
  const examples = spec.examples.map((example) => `  ${example}\n`).join('')
  command.addHelpText('after', `\nWith --json: ${spec.json}\n\nExamples:\n${examples}`)
  return command.action((...given: unknown[]) => {
    const positional = given
      .slice(0, -2)
      .flat()
      .filter((value) => typeof value === 'string')
    return run(spec, program.opts<CommonOptions>(), { ...command.opts(), inOrder }, positional)
  })
}
