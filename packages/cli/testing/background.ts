import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { JsonForm } from '../documents/json-form.ts'
import { forms } from '../documents/up.ts'
import { holdAgainst } from './json-ledger.ts'
import { commandEnvironment } from './transcript.ts'

type Document = { readonly kind: string; readonly subject: string; readonly detail: Record<string, unknown> }

const [events] = forms as [JsonForm]

/** `mtls up` or `mtls events` in the background with `--json`, whose documents can be waited for one after the other. */
export class Background {
  readonly ended: Promise<number | null>
  readonly #process: ChildProcess
  readonly #unread: Document[] = []
  #stderr = ''
  #wake: () => void = () => {}
  #over = false

  constructor(folder: string, ...args: readonly string[]) {
    const script = join(import.meta.dirname, '../bin/mtls.js')
    this.#process = spawn(process.execPath, [script, ...args, '--json'], {
      cwd: folder,
      env: commandEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process.stderr?.setEncoding('utf8').on('data', (text) => {
      this.#stderr += text
    })
    if (this.#process.stdout) {
      createInterface(this.#process.stdout).on('line', (line) => {
        this.#unread.push(JSON.parse(line))
        this.#wake()
      })
    }
    this.ended = new Promise((resolve) => {
      this.#process.once('close', (code) => {
        this.#over = true
        this.#wake()
        resolve(code)
      })
    })
  }

  /** The next document of this kind; those before it are passed over. */
  async next(kind: string): Promise<Document> {
    for (;;) {
      const document = this.#unread.shift()
      if (document !== undefined) holdAgainst(events.document, document, 'a line')
      if (document?.kind === kind) return document
      if (document !== undefined) continue
      if (this.#over) throw new Error(`ended before it said "${kind}": ${this.#stderr}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }
}
