import { join } from 'node:path'
import { execPath } from 'node:process'
import { Child, type ChildOptions, type Ending } from './child.ts'

const program = join(import.meta.dirname, '../packages/cli/bin/mtls.js')

/** The command line as people have it, with nothing of this process's own settings. */
const noSettings = { MTLS_CONFIG: '', MTLS_ENV: '', MTLS_ROOT: '' }

/** Starts `mtls` with these arguments. */
export function startMtls(args: readonly string[], options: ChildOptions = {}): Child {
  return Child.start(execPath, [program, ...args], { ...options, env: { ...noSettings, ...options.env } })
}

/** Runs it to its end, whatever that is. */
export function mtls(args: readonly string[], options: ChildOptions = {}): Promise<Ending> {
  return startMtls(args, options).ended
}
