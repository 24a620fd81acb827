import { CommanderError } from 'commander'
import { CliError } from './cli-error.ts'
import { commandsIn } from './commands/command-specs.ts'
import type { Context } from './context.ts'
import type { ErrorDocument } from './documents/error.ts'
import type { ErrorReport } from './error-report.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import { jsonHelp } from './help/json-help.ts'
import { type CommonOptions, helpWidth, programOf, usageFault } from './program.ts'
import { Output } from './text/output.ts'
import type { World } from './world.ts'

/**
 * One call of `mtls`, from its arguments to its exit code. Nothing is thrown: what goes wrong has been said by then.
 *
 * @param args without the program's own name
 */
export async function run(args: readonly string[], world: World): Promise<ExitCode> {
  const output = new Output(world)
  let loss: Promise<ErrorReport> | undefined
  world.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    // Whoever reads our output may have read enough, as in `mtls status | head -1`.
    if (code === 'EPIPE') return
    const what = `stdout can't be written (${code ?? message}), so what it should have got is lost; allowed: a place with room`
    loss ??= tellError(new CliError('FILE_UNWRITABLE', what), world, output)
  })
  // There is nobody left to tell it to.
  world.stderr.on('error', () => {})
  const ending = await answerTo(args, world, output)
  // What could not be written is heard of a moment later.
  await new Promise((resolve) => setImmediate(resolve))
  const lost = await loss
  return ending === exitCode.done ? (lost?.exitCode ?? ending) : ending
}

/** What knows the errors of every package is read only where there is one. */
async function tellError(
  error: unknown,
  { environment }: Pick<World, 'environment'>,
  output: Output,
): Promise<ErrorReport> {
  const { reportError, stackOf } = await import('./error-report.ts')
  const report = reportError(error)
  for (const line of report.lines) output.tell(output.toldStyled('bad', line))
  if (environment.MTLS_DEBUG) output.tell(stackOf(error))
  return report
}

async function answerTo(args: readonly string[], world: World, output: Output): Promise<ExitCode> {
  let ending: ExitCode = exitCode.done
  const specs = await commandsIn(args)
  const program = programOf(specs, world, {
    jsonHelp: await jsonHelp(args, specs, helpWidth(world)),
    run: async (spec, common, options, positional) => {
      ending = await spec.run(contextOf(common, world, output), options, ...positional)
    },
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return ending
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCode.done
      // Commander has said it already, for people.
      const document = { error: { code: 'USAGE', message: usageFault(error.message) } }
      const isFault = error.code !== 'commander.help'
      if (isFault && args.includes('--json')) output.printJsonLine(document satisfies ErrorDocument)
      return exitCode.usage
    }
    const { document, exitCode: code } = await tellError(error, world, output)
    // On one line, whatever came before it.
    if (program.opts<CommonOptions>().json === true) output.printJsonLine(document)
    return code
  }
}

function contextOf({ config, env, root, json }: CommonOptions, world: World, output: Output): Context {
  const { environment } = world
  return {
    world,
    output,
    place: {
      file: config ?? (environment.MTLS_CONFIG || 'mtls-config.yaml'),
      environment: env ?? (environment.MTLS_ENV || undefined),
      root: root ?? (environment.MTLS_ROOT || undefined),
    },
    json: json === true,
  }
}
