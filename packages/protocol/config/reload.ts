import { basename } from 'node:path'
import { z } from 'zod'
import { duration } from './duration.ts'
import { filePath } from './file-path.ts'

/** How a service that reads files is told that they have changed. */
export type Reload =
  /** A program and its arguments, started without a shell. `timeout`: milliseconds. */
  | { readonly kind: 'command'; readonly command: readonly string[]; readonly timeout: number }
  /** `pid` itself, or the first number in `pidFile` (absolute). */
  | { readonly kind: 'signal'; readonly signal: ReloadSignal; readonly pid: number }
  | { readonly kind: 'signal'; readonly signal: ReloadSignal; readonly pidFile: string }
  /** `SELECT pg_reload_conf()` at this URL. */
  | { readonly kind: 'postgres'; readonly url: string }
  /** `CONFIG SET` of certificate, key and roots at this URL: `redis:`, `rediss:` or, for a socket, `unix:`. */
  | { readonly kind: 'redis'; readonly url: string }

/** Whether whoever is told so is a PostgreSQL server, which speaks TLS only where it is asked to. */
export function speaksPostgres(reload: Reload | undefined): boolean {
  if (reload?.kind === 'signal' && 'pidFile' in reload) return basename(reload.pidFile) === 'postmaster.pid'
  return reload?.kind === 'postgres'
}

export type ReloadSignal = (typeof SIGNALS)[number]

/** Signals that programs take for "read your files again". */
const SIGNALS = ['HUP', 'USR1', 'USR2', 'WINCH'] as const

const DEFAULT_TIMEOUT = 30_000

const ALLOWED =
  'a command as in "systemctl reload nginx" or { command: [nginx, -s, reload], timeout: 30s }; { signal: HUP, pid_file: /run/nginx.pid } or { signal: HUP, pid: 1234 }; "postgres://…"; "redis://…", "rediss://…" or "unix://…"'

const POSTGRES = /^postgres(ql)?:/i
const REDIS = /^(rediss?|unix):/i
const ANY_URL = /^[a-z][a-z0-9+.-]*:\/\//i
/** A URL of a kind that is not known here, or what a shell or a database would take for a setting; either may hold a password. */
const NO_PROGRAM = /:\/\/|=/

const isCommand = (words: readonly string[]) =>
  words.length >= 1 &&
  words.length <= 64 &&
  words.every((word) => word.length >= 1 && word.length <= 4096 && !word.includes('\0')) &&
  !NO_PROGRAM.test(words[0]!)

/** What only a shell would make something of: a word that is `;`, `|`, `&`, `>` or the like, begins or ends with it, or is to be replaced. */
const FOR_A_SHELL = /^(\d*[<>]|[;|&`])|[;|&`]$|\$[({A-Za-z_]/

const isForNoShell = (text: string) => !wordsOf(text).some((word) => FOR_A_SHELL.test(word))

const NO_SHELL =
  'no ; | & > < $ or ` in a line, because no shell reads it; [sh, -c, "…"] starts one, and in a list they stand for themselves'

const line = z
  .string({ error: ALLOWED })
  .refine((text) => isCommand(wordsOf(text)), { error: ALLOWED })
  .refine(isForNoShell, { error: NO_SHELL })

const words = z.array(z.string({ error: ALLOWED }), { error: ALLOWED }).refine(isCommand, { error: ALLOWED })

const lineOrUrl = z
  .string({ error: ALLOWED })
  .refine((text) => (POSTGRES.test(text) || REDIS.test(text) ? isUrl(text) : isCommand(wordsOf(text))), {
    error: ALLOWED,
  })
  .refine((text) => POSTGRES.test(text) || REDIS.test(text) || isForNoShell(text), { error: NO_SHELL })

const signal = z
  .string()
  .transform((text) => text.replace(/^SIG/, ''))
  .pipe(z.enum(SIGNALS, { error: `one of ${SIGNALS.join(', ')}` }))

const pidError = 'the number of a process, from 2 to 4194304'
const pid = z.int({ error: pidError }).min(2, { error: pidError }).max(4_194_304, { error: pidError })

/** The config's `reload`; `pid_file` is made absolute where the config is resolved. */
export const reloadText = z.union(
  [
    lineOrUrl,
    words,
    z.strictObject({ command: z.union([line, words]), timeout: duration('1s', '10m').optional() }),
    z.strictObject({ signal: signal.prefault('HUP'), pid_file: filePath }),
    z.strictObject({ signal: signal.prefault('HUP'), pid }),
  ],
  { error: ALLOWED },
)

/** @param path makes a path of the config file absolute */
export function resolveReload(text: z.output<typeof reloadText>, path: (path: string) => string): Reload {
  if (typeof text === 'string') {
    if (POSTGRES.test(text)) return { kind: 'postgres', url: withPlainScheme(text) }
    if (REDIS.test(text)) return { kind: 'redis', url: withPlainScheme(text) }
    return command(text, DEFAULT_TIMEOUT)
  }
  if (Array.isArray(text)) return command(text, DEFAULT_TIMEOUT)
  if ('command' in text) return command(text.command, text.timeout ?? DEFAULT_TIMEOUT)
  return 'pid' in text
    ? { kind: 'signal', signal: text.signal, pid: text.pid }
    : { kind: 'signal', signal: text.signal, pidFile: path(text.pid_file) }
}

function command(words: string | readonly string[], timeout: number): Reload {
  return { kind: 'command', command: typeof words === 'string' ? wordsOf(words) : words, timeout }
}

/** As a shell would part a line that has no quotes in it. */
function wordsOf(line: string): string[] {
  return line.trim().split(/\s+/)
}

/** In lower case, as libraries look for it. */
function withPlainScheme(url: string): string {
  return url.replace(/^[^:]*/, (scheme) => scheme.toLowerCase())
}

/** URLs of sockets have no host, and with a user in them they are none by the standard. */
function isUrl(text: string): boolean {
  // Where a password has a #, what comes after that is cut off, and what is before it is taken for a host.
  if (text.length > 4096 || !ANY_URL.test(text) || text.includes('#')) return false
  if (/^unix:/i.test(text)) return /^unix:\/\/([^/]*@)?\/[^?#]/i.test(text)
  if (POSTGRES.test(text)) return URL.canParse(text.replace('@/', '@localhost/'))
  return (URL.parse(text)?.hostname ?? '') !== ''
}
