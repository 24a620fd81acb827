// `npm start`: the authority (`mtls up`) and three services, each a process of its own, and a small flow of events.
import { join, relative, resolve } from 'node:path'
import { Child } from './child.ts'
import { startDemoFlow } from './demo-flow.ts'
import { Terminal } from './terminal.ts'

/** Milliseconds that each process has to end by itself. */
const PATIENCE = 5000

const repository = resolve(import.meta.dirname, '../..')
const config = resolve(process.env.MTLS_CONFIG ?? join(repository, 'mtls-config.yaml'))
const environment = process.env.MTLS_ENV ?? 'demo'
const root = resolve(process.env.MTLS_ROOT ?? join(repository, '.demo'))

const terminal = new Terminal(process.stdout, Date.now)
const children: Child[] = []
let endDemoFlow = () => {}

const stopped = Promise.withResolvers<string | undefined>()
let signals = 0
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    signals++
    stopped.resolve(undefined)
    if (signals > 1) for (const child of children) child.kill()
  })
}

// A signal for npm ends npm and its shell, and never comes here; that the shell is gone does.
const { ppid } = process
if (process.env.npm_lifecycle_event === 'start') {
  setInterval(() => process.ppid !== ppid && stopped.resolve(undefined), 500).unref()
}

// Whatever comes first: somebody wants it to end, or one of the processes has ended by itself.
runAll().catch((error) => stopped.resolve(error.message))
const failure = await stopped.promise
await stopAll()
if (failure !== undefined) terminal.line('start', failure)
process.exit(failure === undefined ? 0 : 1)

async function runAll(): Promise<void> {
  terminal.heading('datapunk: three services that speak nothing but mutual TLS with each other')
  terminal.gap()
  const mtls = join(repository, 'packages/cli/bin/mtls.js')
  await begin('mtls', [mtls, 'up', '--env', environment, '--root', root], process.env)
  // Only the authority may know the passphrase of its keys.
  const { MTLS_CA_PASSPHRASE: _, ...env } = process.env
  const [lake, , nexus] = await Promise.all(
    ['lake', 'stream', 'nexus'].map((name) => begin(name, [join(import.meta.dirname, `${name}.ts`)], env)),
  )
  showCommands(lake, nexus)
  if (signals > 0) return
  endDemoFlow = startDemoFlow(urlIn(nexus, 'http'), Math.random, (line) => terminal.line('start', line))
}

async function begin(name: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  if (signals > 0) return new Promise(() => {})
  const child = new Child({
    name,
    args,
    env: {
      ...env,
      MTLS_CONFIG: config,
      MTLS_ENV: environment,
      MTLS_ROOT: root,
      DATAPUNK_LAKE: process.env.DATAPUNK_LAKE ?? join(root, 'lake.db'),
    },
    onLine: (line) => terminal.line(name, withoutPrefix(name, line)),
  })
  children.push(child)
  void child.ended.then((how) => stopped.resolve(`${name} ${how}, so the others are ended too`))
  return child.ready
}

/** Callers before those they call, so that what is under way is finished; the authority last. */
async function stopAll(): Promise<void> {
  endDemoFlow()
  terminal.gap()
  terminal.line('start', 'ending')
  for (const child of children.toReversed()) await child.stop(PATIENCE)
}

/** @param lake what it said when it was ready */
function showCommands(lake = '', nexus = ''): void {
  const people = urlIn(nexus, 'http')
  terminal.gap()
  terminal.heading(`See it at ${people}, and try in another terminal (Ctrl-C ends it all):`)
  terminal.commands([
    [`curl ${people}/overview`, 'who calls whom, under which certificate, until when'],
    [`curl -k ${urlIn(lake, 'https')}/records`, 'without a certificate: reset without a word, and told here'],
    [`curl ${urlIn(lake, 'http')}/metrics`, 'what lake tells Prometheus; beside it /healthz and /readyz'],
    [`npx mtls console ${optionsOfMtls()}`, 'a link to the mesh as a map: who calls whom, live'],
    [`npx mtls status ${optionsOfMtls()}`, 'the certificates, and how long the authority may be down'],
  ])
  terminal.gap()
}

/** Name and time stand before every line already, and there is no room for the columns of mtls. */
function withoutPrefix(name: string, line: string): string {
  const text = line.startsWith(`${name}: `) ? line.slice(name.length + 2) : line
  if (name !== 'mtls') return text
  return text.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z\s+/, '').replace(/(?<=\S) {2,}/g, '  ')
}

/** The options that make `mtls` look at this mesh. */
function optionsOfMtls(): string {
  const place = relative(process.cwd(), root)
  const options = [`--env ${environment}`, `--root ${place.startsWith('..') ? root : place || '.'}`]
  if (config !== resolve('mtls-config.yaml')) options.push(`--config ${config}`)
  return options.join(' ')
}

function urlIn(ready = '', scheme: 'http' | 'https'): string {
  return new RegExp(`\\b${scheme}://[^\\s,]+`).exec(ready)?.[0] ?? ''
}
