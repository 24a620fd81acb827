import { AuthorityError } from '@datapunk/authority'
import { LogError } from '@datapunk/log'
import { MeshError } from '@datapunk/mesh'
import { PkiError } from '@datapunk/pki'
import { ConfigError, ProtocolError } from '@datapunk/protocol'
import { TlogError } from '@datapunk/tlog'
import { CliError } from './cli-error.ts'
import type { ErrorDocument } from './documents/error.ts'
import { type ExitCode, exitCode } from './exit-code.ts'

/** An error as people and scripts get it. */
export interface ErrorReport {
  readonly exitCode: ExitCode
  /** One line or several, without a stack. */
  readonly lines: readonly string[]
  /** What `--json` prints. */
  readonly document: ErrorDocument
}

/** Every error of every package, made into words: the one place where that happens. */
export function reportError(error: unknown): ErrorReport {
  if (error instanceof ConfigError) {
    const { code, message, data, problems } = error
    const document = { error: { code, message, file: String(data.file), problems } }
    return { exitCode: exitCode.usage, lines: message.split('\n'), document }
  }
  if (error instanceof CliError) {
    const wrongUsage = error.code === 'USAGE' || error.code === 'CONFIG_UNREADABLE'
    return known(error, wrongUsage ? exitCode.usage : exitCode.bad)
  }
  for (const kind of [AuthorityError, LogError, MeshError, PkiError, ProtocolError, TlogError]) {
    if (error instanceof kind) return known(error, exitCode.bad)
  }
  const message = error instanceof Error ? error.message : String(error)
  const hint = 'this should not happen. $MTLS_DEBUG=1 shows where it did; please report it'
  return {
    exitCode: exitCode.bad,
    lines: [`mtls: ${message}`, `  ${hint}`],
    document: { error: { code: 'UNEXPECTED', message } },
  }
}

/** The stack and its causes, for `$MTLS_DEBUG`. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}

function known({ code, message }: { code: string; message: string }, exit: ExitCode): ErrorReport {
  return { exitCode: exit, lines: [`mtls: ${message} [${code}]`], document: { error: { code, message } } }
}
