import { ConfigError } from '@datapunk/protocol'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import { findingsOf } from '../doctor/checks.ts'
import { examine } from '../doctor/examination.ts'
import type { Finding, Severity } from '../doctor/finding.ts'
import type { DoctorDocument } from '../documents/doctor.ts'
import { exitCode } from '../exit-code.ts'
import { countText } from '../text/action-text.ts'
import type { Style } from '../text/output.ts'

export const doctorCommand: CommandSpec = {
  name: 'doctor',
  summary: 'look for what is wrong, or will be, and say what mends it',
  description:
    'Looks at the config, permissions and owners, the records, every pair (as its service would when it joins), expiry, clock, disk space, ports, names, whether services can be reached, the bundle, how the CA keys and their backup are kept, rights that nobody uses, and versions. It changes nothing, asks for no passphrase, and needs no running authority. Exits with 1 when there is an error.',
  json: () => import('../documents/doctor.ts'),
  examples: ['mtls doctor', "mtls doctor --json | jq '.findings[].id'"],
  async run(context) {
    const findings = await context.output.during('looking', look(context))
    const count = (severity: Severity) => findings.filter((one) => one.severity === severity).length
    const [errors, warnings, notes] = [count('error'), count('warning'), count('note')]
    if (context.json) context.output.printJson({ findings, errors, warnings, notes } satisfies DoctorDocument)
    else show(context, findings)
    return errors > 0 ? exitCode.bad : exitCode.done
  },
}

async function look(context: Context): Promise<readonly Finding[]> {
  try {
    return await findingsOf(await examine(loadConfig(context), context.world))
  } catch (error) {
    return configFindings(error, context.place.file)
  }
}

/** Without a config there is nothing else to look at. */
function configFindings(error: unknown, file: string): readonly Finding[] {
  if (error instanceof ConfigError) {
    return error.problems.map(({ line, column, message }) => ({
      id: 'config-fault',
      severity: 'error',
      subject: `${file}:${line}:${column}`,
      found: message,
      fix: 'correct that line; `mtls schema` lets an editor do it',
    }))
  }
  if (!(error instanceof CliError && error.code === 'CONFIG_UNREADABLE')) throw error
  return [
    {
      id: 'config-unreadable',
      severity: 'error',
      subject: file,
      found: error.message,
      fix: '`mtls init` writes a first one',
    },
  ]
}

const styles: Readonly<Record<Severity, Style>> = { error: 'bad', warning: 'warning', note: 'quiet' }

function show({ output }: Context, findings: readonly Finding[]): void {
  const rows = findings.flatMap(({ id, severity, subject, found, fix }) => [
    [output.styled(styles[severity], severity), output.styled('strong', id), `${subject}: ${found}`],
    ['', '', `→ ${fix}`],
  ])
  output.print(output.table(rows))
  const count = (severity: Severity) => findings.filter((one) => one.severity === severity).length
  const summary =
    findings.length === 0
      ? output.toldStyled('good', 'nothing is wrong')
      : [
          countText(count('error'), 'error'),
          countText(count('warning'), 'warning'),
          countText(count('note'), 'note'),
        ].join(', ')
  output.tell(summary)
}
