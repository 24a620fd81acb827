import { join, MeshError, type OperatorPlace } from '@datapunk/mesh'
import {
  fileLimit,
  filesFor,
  type MeshProxy,
  openProxy,
  parsePlace,
  placeText,
  roomForConnections,
  routeText,
  WANTED_CONNECTIONS,
} from '@datapunk/mesh/proxy'
import type { CommandSpec, OrderedOption } from '../command-spec.ts'
import type { Context } from '../context.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { routesOf } from '../proxy/proxy-routes.ts'
import { ProxyVoice } from '../proxy/proxy-voice.ts'
import { durationOf } from '../text/time-text.ts'

interface ProxyCommandOptions {
  readonly inOrder: readonly OrderedOption[]
  readonly lendIdentity?: boolean
  readonly sendPlain?: boolean
  readonly grace?: string
  readonly operator?: string
}

export const proxyCommand: CommandSpec<ProxyCommandOptions> = {
  name: 'proxy',
  arguments: '<service>',
  completes: 'services',
  summary: 'be a member for a program that can’t be one; until Ctrl-C',
  description:
    'Serves (--listen --to): mutual TLS with the checks of the library outside, plain bytes to the program behind, which nobody is connected to before they are passed. Calls (--from --to): plain bytes from the program, mutual TLS to a member. Any number of each, one after the other. Whoever is revoked, or loses the right, is cut on both sides; renewed certificates are taken up by themselves. SIGTERM and Ctrl-C let open connections finish; a second one ends them.',
  options: [
    ['--listen <host:port>', 'where members call; --to follows', 'in order'],
    ['--from <place>', 'where the program calls, HOST:PORT or unix:/PATH; --to follows', 'in order'],
    [
      '--to <place>',
      'the program behind, HOST:PORT or unix:/PATH, or http://HOST:PORT or http+unix:/PATH where it speaks HTTP, and h2c for HTTP/2, as of gRPC; after --from a member, NAME or NAME:PORT, or h2c://NAME',
      'in order',
    ],
    ['--grace <duration>', 'how long open connections may take to finish; 10s unless given'],
    [
      '--operator <host:port>',
      'where /metrics, /healthz and /readyz are served, in plain HTTP; nowhere unless given',
    ],
    ['--lend-identity', 'let --from listen beyond loopback: whoever reaches it calls as SERVICE'],
    [
      '--send-plain',
      'let --to of --listen lie beyond loopback, so that plain text goes over the network; or a socket where everyone may put his own',
    ],
  ],
  json: () => import('../documents/proxy.ts'),
  examples: [
    'mtls proxy cache --listen 0.0.0.0:6380 --to unix:/run/redis/redis.sock',
    'mtls proxy stream --from 127.0.0.1:6379 --to cache',
    'mtls proxy lake --listen 0.0.0.0:8445 --to http://127.0.0.1:8080 --from 127.0.0.1:6379 --to cache:6380',
  ],
  async run(context, { inOrder, grace = '10s', operator, ...permissions }, service = '') {
    const routes = routesOf(inOrder, permissions)
    const patience = durationOf('--grace', grace)
    const wanted = operator === undefined ? undefined : operatorPlace(operator)
    const voice = new ProxyVoice(context, service)
    const { file, environment, root } = context.place
    const mesh = await join(service, { config: file, environment, root })
    try {
      voice.hearMesh(mesh)
      const proxy = await openProxy(mesh, { routes, room: roomForConnections(), ...permissions })
      try {
        voice.hearProxy(proxy)
        const served = wanted && placeText(await mesh.serveOperator(wanted))
        return await keepOpen(context, { proxy, voice, patience, operator: served })
      } finally {
        // Also where its operator is served nowhere: a port that is still open keeps the process, which has left the mesh, and refuses all.
        await proxy.stop(AbortSignal.abort())
      }
    } finally {
      await mesh.leave()
    }
  },
}

interface Keeping {
  readonly proxy: MeshProxy
  readonly voice: ProxyVoice
  /** Milliseconds. */
  readonly patience: number
  /** Where the operator port is. */
  readonly operator: string | undefined
}

/** @throws MeshError `PLACE_INVALID` */
function operatorPlace(text: string): OperatorPlace {
  const place = parsePlace(text)
  if (!('path' in place)) return place
  throw new MeshError('PLACE_INVALID', `found --operator ${text}; allowed: HOST:PORT, as in 127.0.0.1:9090`)
}

async function keepOpen(
  context: Context,
  { proxy, voice, patience: grace, operator }: Keeping,
): Promise<ExitCode> {
  const asked = Promise.withResolvers<void>()
  const impatient = new AbortController()
  let signals = 0
  const stopListening = context.world.onSignal(() => {
    if (++signals === 1) asked.resolve()
    else impatient.abort()
  })
  try {
    tellFewFiles(voice)
    const routes = proxy.routes.map(({ route, at }) => routeText(route, at))
    const seen = operator === undefined ? '' : `, metrics at http://${operator}`
    voice.say('ready', 'strong', `ready: ${routes.join(', ')}${seen}`, { routes, operator })
    await asked.promise
    voice.say(
      'stopping',
      'strong',
      `stopping: ${proxy.open} connections may take ${grace / 1000} s to finish`,
      {
        ...{ open: proxy.open, grace },
      },
    )
    const timer = setTimeout(() => impatient.abort(), grace)
    const cut = await proxy.stop(impatient.signal)
    clearTimeout(timer)
    voice.say('ended', 'strong', `ended: ${proxy.carried} connections carried, ${cut} cut short`, {
      ...{ carried: proxy.carried, cut },
    })
    return exitCode.done
  } finally {
    stopListening()
  }
}

function tellFewFiles(voice: ProxyVoice): void {
  const [limit, room, needed] = [fileLimit(), roomForConnections(), filesFor(WANTED_CONNECTIONS)]
  if (limit === undefined || room === undefined || room >= WANTED_CONNECTIONS) return
  const message = `found a limit of ${limit} open files, room for ${room} connections at once; ${WANTED_CONNECTIONS} need ${needed}: LimitNOFILE=${needed} in systemd, \`ulimit -n ${needed}\` in a shell`
  voice.say('few-files', 'warning', message, { limit, room })
}
