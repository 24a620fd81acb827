import { AuthorityError, connectAdmin } from '@datapunk/authority'
import { type Config, layoutOf, type ServiceConfig, spellingHint } from '@datapunk/protocol'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import type { ProbeDocument } from '../documents/probe.ts'
import { exitCode } from '../exit-code.ts'
import { proveWritable, writeOutput } from '../files.ts'
import { junitXml } from '../probe/junit.ts'
import { matrixText, summaryText } from '../probe/matrix-text.ts'
import { countOf, isAsItShouldBe, type ProbeResult } from '../probe/result.ts'
import { timeText } from '../text/time-text.ts'

/** Where nobody says how wide the terminal is. */
const COLUMNS = 110

export const probeCommand: CommandSpec<{ rehearse?: boolean; junit?: string }> = {
  name: 'probe',
  arguments: '[services...]',
  summary: 'try at the running services what they must refuse, and see that they do',
  description:
    'Knocks at every service, or those named, as nobody may come in: without a certificate, with one that has expired, has not begun, is revoked, self-signed, of another CA or mesh, as somebody in nobody’s `allow`, over old TLS, with weak suites. Each must be refused for its rule: read from the report of the service, or from the TLS alert. Needs `mtls up`, and the user that runs it. The live authority signs nothing that is wrong; what would need that, and who is to be let in, is tried by --rehearse: the same config and library, with an authority that is thrown away. A service of which the config says neither `listen` nor `address` serves nobody, and is not asked. Exits with 1 when anything is let in, or not proven to be refused, or nobody could be asked.',
  options: [
    ['--rehearse', 'try all of it at services in this process, under an authority that is thrown away'],
    ['--junit <file>', 'write the result as JUnit XML too, for continuous integration'],
  ],
  json: () => import('../documents/probe.ts'),
  examples: ['mtls probe', 'mtls probe lake --junit probe.xml', 'mtls probe --rehearse'],
  async run(context, { rehearse = false, junit }, ...names) {
    const { output, json, world } = context
    const config = loadConfig(context)
    const services = servicesOf(config, names)
    proveWritable(junit)
    const trying = rehearse ? rehearsed(context, config, services) : live(context, config, services)
    const result = await output.during(rehearse ? 'rehearsing' : 'probing', trying)
    if (junit !== undefined) writeOutput(junit, junitXml(result))
    const isGood = isAsItShouldBe(result)
    if (json) output.printJson(documentOf(result))
    else {
      output.print(matrixText(result, output, world.stdout.columns ?? COLUMNS))
      output.tell(output.toldStyled(isGood ? 'good' : 'bad', summaryText(result)))
    }
    return isGood ? exitCode.done : exitCode.bad
  },
}

function servicesOf(config: Config, names: readonly string[]): ServiceConfig[] {
  if (names.length === 0) return [...config.services.values()]
  return [...new Set(names)].map((name) => {
    const service = config.services.get(name)
    if (service !== undefined) return service
    const hint = spellingHint(name, config.services.keys())
    const allowed = [...config.services.keys()].slice(0, 20).join(', ')
    throw new CliError('USAGE', `found the service "${name}"${hint}; allowed: ${allowed}`)
  })
}

async function live(
  { world }: Context,
  config: Config,
  services: readonly ServiceConfig[],
): Promise<ProbeResult> {
  const { adminSocket } = layoutOf(config).authority
  const administration = await connectAdmin(adminSocket, { purpose: 'probe', uid: world.uid })
  if (administration === undefined) {
    throw new AuthorityError(
      'ADMIN_UNREACHABLE',
      `found no running authority at ${adminSocket}; allowed: one that is asked for what the probe shows, and for what services report: start \`mtls up\`, or try \`mtls probe --rehearse\`, which needs none`,
    )
  }
  const { probeLive } = await import('../probe/live-probe.ts')
  return probeLive({ config, services, administration, world })
}

async function rehearsed(
  { world }: Context,
  config: Config,
  services: readonly ServiceConfig[],
): Promise<ProbeResult> {
  const { rehearse } = await import('../probe/rehearsal/rehearse.ts')
  return rehearse({ config, services, world })
}

function documentOf(result: ProbeResult): ProbeDocument {
  const { mode, at, took, services, cases, cells } = result
  return {
    mode,
    at: timeText(at),
    tookMs: took,
    good: isAsItShouldBe(result),
    services,
    cases: cases.map(({ id, title }) => ({ id, title })),
    cells: cells.map(({ rule = null, fix = null, ...cell }) => ({ ...cell, rule, fix })),
    counts: {
      refused: countOf(result, 'refused'),
      answered: countOf(result, 'answered'),
      letIn: countOf(result, 'let-in'),
      unproven: countOf(result, 'unproven'),
      unreachable: countOf(result, 'unreachable'),
      notAsked: countOf(result, 'not-asked'),
    },
  }
}
