import { z } from 'zod'
import { parseDuration } from './duration.ts'

/** How a service that reads files is told that they have changed. */
export type Reload =
  /** A program and its arguments, started without a shell. `timeout`: milliseconds. */
  | { readonly kind: 'command'; readonly command: readonly string[]; readonly timeout: number }
  /** `pid` itself, or the first number in `pidFile` (absolute). */
  | { readonly kind: 'signal'; readonly signal: ReloadSignal; readonly pid: number }
  | { readonly kind: 'signal'; readonly signal: ReloadSignal; readonly pidFile: string }
  /** `SELECT pg_reload_conf()` at this URL. */
  | { readonly kind: 'postgres'; readonly url: string }
  /** `CONFIG SET` of certificate, key and roots at this URL. */
  | { readonly kind: 'redis'; readonly url: string }

export type ReloadSignal = (typeof SIGNALS)[number]

/** Signals that programs take for "read your files again". */
const SIGNALS = ['HUP', 'USR1', 'USR2', 'WINCH'] as const

const DEFAULT_TIMEOUT = 30_000

const ALLOWED =
  'a command as in "systemctl reload nginx" or { command: [nginx, -s, reload], timeout: 30s }; { signal: HUP, pid_file: /run/nginx.pid } or { signal: HUP, pid: 1234 }; "postgres://…"; "redis://…"'

const word = z.string().min(1).max(4096)

const timeout = z
  .string()
  .transform((text) => parseDuration(text))
  .refine((value) => value !== undefined && value >= 1000 && value <= 600_000)
  .transform((value) => value as number)

const signal = z
  .string()
  .transform((text) => text.replace(/^SIG/, ''))
  .pipe(z.enum(SIGNALS))

/** The config's `reload`; `pid_file` is made absolute where the config is resolved. */
export const reloadText = z.union(
  [
    word,
    z.array(word).min(1).max(64),
    z.strictObject({ command: z.union([word, z.array(word).min(1).max(64)]), timeout: timeout.optional() }),
    z.strictObject({ signal: signal.prefault('HUP'), pid_file: word }),
    z.strictObject({ signal: signal.prefault('HUP'), pid: z.int().min(2).max(4_194_304) }),
  ],
  { error: ALLOWED },
)

/** @param path makes a path of the config file absolute */
export function resolveReload(text: z.output<typeof reloadText>, path: (path: string) => string): Reload {
  if (typeof text === 'string') {
    if (/^postgres(ql)?:/.test(text)) return { kind: 'postgres', url: text }
    if (/^rediss?:/.test(text)) return { kind: 'redis', url: text }
    return command(text, DEFAULT_TIMEOUT)
  }
  if (Array.isArray(text)) return command(text, DEFAULT_TIMEOUT)
  if ('command' in text) return command(text.command, text.timeout ?? DEFAULT_TIMEOUT)
  return 'pid' in text
    ? { kind: 'signal', signal: text.signal, pid: text.pid }
    : { kind: 'signal', signal: text.signal, pidFile: path(text.pid_file) }
}

function command(words: string | readonly string[], timeout: number): Reload {
  return { kind: 'command', command: typeof words === 'string' ? words.trim().split(/\s+/) : words, timeout }
}
