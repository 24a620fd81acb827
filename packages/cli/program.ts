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

/** As many columns as are easily read, and no more than a terminal has. */
export function helpWidth({ stdout }: Pick<World, 'stdout'>): number {
  return Math.min(stdout.columns || 110, 110)
}

/**
 * The command line as commander understands it. Its words go where ours go, and it never ends the process.
 *
 * @param jsonHelp what the help of the command that is asked about says of `--json`
 */
export function programOf(
  specs: readonly CommandSpec[],
  { stdout, stderr }: Pick<World, 'stdout' | 'stderr'>,
  { run, jsonHelp = '' }: { readonly run: Run; readonly jsonHelp?: string },
): Command {
  const program = new Command('mtls')
    .description('Mutual TLS from one YAML file: a certificate authority, and the mesh it serves.')
    .version(manifest.version, '--version', 'print the version')
    .helpOption('--help', 'print this')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, helpWidth: helpWidth({ stdout }) })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(`mtls: ${usageFault(text)} [USAGE]\n`),
    })
    .showHelpAfterError('`mtls --help` and `mtls COMMAND --help` show what is allowed')
    .exitOverride()
  for (const [flags, description] of commonOptions) program.option(flags, description)
  program.addHelpText(
    'after',
    '\nExit codes: 0 done; 1 the answer is bad (refused, expired, late, would change); 2 the command line or the config is wrong.\n',
  )
  for (const spec of specs)
    program.addCommand(commandOf(spec, program, run).addHelpText('after', `${jsonHelp}${examplesOf(spec)}`))
  return program
}

/** What commander says is wrong, on one line. */
export function usageFault(text: string): string {
  return text
    .replace(/^error: /, '')
    .trimEnd()
    .replaceAll('\n', ' ')
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
  return command.action((...given: unknown[]) => {
    const positional = given
      .slice(0, -2)
      .flat()
      .filter((value) => typeof value === 'string')
    return run(spec, program.opts<CommonOptions>(), { ...command.opts(), inOrder }, positional)
  })
}

function examplesOf({ examples }: CommandSpec): string {
  return `\nExamples:\n${examples.map((example) => `  ${example}\n`).join('')}`
}
