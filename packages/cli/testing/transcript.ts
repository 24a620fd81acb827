import { spawn } from 'node:child_process'
import { delimiter, join, resolve } from 'node:path'

const repository = resolve(import.meta.dirname, '../../..')

/**
 * Runs every command of a transcript in `folder`, with a shell and the real `mtls`, and writes down what comes out:
 *
 * ```
 * # a remark
 * $ mtls plan
 * what went to stdout
 * 2> what went to stderr
 * [1]
 * ```
 *
 * The last line is the exit code, where it is not 0. Empty lines of output are left out. What differs from run to run is replaced by a word in angle brackets.
 *
 * @returns the transcript as it should be if everything is right
 */
export async function playTranscript(transcript: string, folder: string): Promise<string> {
  const played: string[] = []
  for (const line of transcript.split('\n')) {
    if (line === '' || line.startsWith('#')) played.push(line)
    if (!line.startsWith('$ ')) continue
    const { stdout, stderr, code } = await runShell(line.slice(2), folder)
    played.push(
      line,
      ...linesOf(stdout, folder),
      ...linesOf(stderr, folder).map((text) => `2> ${text}`.trimEnd()),
    )
    if (code !== 0) played.push(`[${code}]`)
  }
  return played.join('\n')
}

interface Outcome {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
}

/** The environment of a command: this Node, the `mtls` of this repository, and nothing of the caller's settings. */
export function commandEnvironment(): NodeJS.ProcessEnv {
  const { MTLS_CONFIG: _c, MTLS_ENV: _e, MTLS_ROOT: _r, MTLS_CA_PASSPHRASE: _p, ...rest } = process.env
  const PATH = [join(repository, 'node_modules/.bin'), rest.PATH].join(delimiter)
  return { ...rest, PATH, NO_COLOR: '1', MTLS_DEBUG: '', NODE_OPTIONS: '' }
}

function runShell(command: string, folder: string): Promise<Outcome> {
  const { promise, resolve: done, reject } = Promise.withResolvers<Outcome>()
  const child = spawn('sh', ['-c', command], {
    cwd: folder,
    env: commandEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  child.on('error', reject)
  child.on('close', (code) => done({ stdout, stderr, code }))
  return promise
}

function linesOf(output: string, folder: string): string[] {
  return output
    .replaceAll(folder, '<folder>')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z/g, '<time>')
    .replace(/\b([0-9a-f]{40}|[0-9a-f]{64})\b/g, '<hash>')
    .replace(/\b[0-9a-f]{24,38}\b/g, '<hex>')
    .replace(/\b[0-9a-f]{16}\b/g, '<serial>')
    .replace(/(?<![A-Za-z0-9+])[A-Za-z0-9+/]{43}=/g, '<pin>')
    .replace(/-[0-9a-f]{8}\b/g, '-<id>')
    .replace(/\bprocess \d+/g, 'process <pid>')
    .replace(/\b\d+ kB\b/g, '<size>')
    .replace(/\buid \d+ */g, 'uid <uid>  ')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
}
