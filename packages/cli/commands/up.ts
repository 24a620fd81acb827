import {
  type AdminServer,
  type ApplyReport,
  type Authority,
  type AuthorityEvent,
  EventBook,
  keep,
  Pace,
  serveAdmin,
  type ToldEvent,
} from '@datapunk/authority'
import { type Config, layoutOf } from '@datapunk/protocol'
import { withAuthority } from '../administration.ts'
import type { CommandSpec } from '../command-spec.ts'
import { ConsoleHost, type ConsoleHostOptions } from '../console/console-host.ts'
import { type Context, loadConfig } from '../context.ts'
import type { OwnEventKind } from '../documents/up.ts'
import { reportError } from '../error-report.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import type { AuthoritySource, OperatorDoor } from '../operator/index.ts'
import { startProcess } from '../process/start-process.ts'
import { Wake } from '../process/wake.ts'
import { actionRow, countText } from '../text/action-text.ts'
import { eventDocument, type eventText, toldEventText } from '../text/event-text.ts'
import { askDocument, askText } from '../text/root-key-text.ts'
import { table } from '../text/table.ts'
import { instantText, spanText } from '../text/time-text.ts'
import { waitDocument, waitText } from '../text/wait-text.ts'

/** For services that are being told of their files when somebody ends it; whoever was not is told at the next start. Milliseconds. */
const GRACE = 5000

export const upCommand: CommandSpec = {
  name: 'up',
  summary: 'apply, then keep it so, and serve; until Ctrl-C',
  description:
    'Applies the config file, then keeps the mesh as it says: renews certificates before they end, and applies the file again when it changes. Safe actions are done at once; destructive ones are shown and wait for `mtls apply` (authority.auto_apply: all does them too). A file with faults changes nothing.',
  json: () => import('../documents/up.ts'),
  examples: ['mtls up', 'mtls up --env demo --root .demo --json'],
  async run(context) {
    const ending = new AbortController()
    const stopListening = context.world.onSignal(() => ending.abort())
    try {
      const config = loadConfig(context)
      // Only here: the other commands start without what writes metrics.
      const { AuthoritySource, OperatorDoor } = await import('../operator/index.ts')
      const voice = new Voice(context)
      let opened: Authority | undefined
      const source = new AuthoritySource(() => opened, context.world)
      const report: typeof voice.event = (event) => {
        source.event(event)
        voice.event(event)
      }
      return await withAuthority(context, config, { purpose: 'up', report }, async (authority) => {
        opened = authority
        const door = new OperatorDoor({ source, clock: context.world.clock, report })
        const console = consoleHost(context, { report, certify: (spki) => authority.certifyConsole(spki) })
        const keeping = { authority, config, voice, source, door, console, report, signal: ending.signal }
        return await keepUp(context, keeping).finally(() => Promise.all([door.close(), console.close()]))
      })
    } finally {
      stopListening()
    }
  },
}

function consoleHost(
  { place, world }: Context,
  doing: Pick<ConsoleHostOptions, 'report' | 'certify'>,
): ConsoleHost {
  const start = () => startProcess('#console')
  const after = (delay: number, call: () => void) => {
    const timer = setTimeout(call, delay)
    return () => clearTimeout(timer)
  }
  return new ConsoleHost({ place, clock: world.clock, after, start, ...doing })
}

interface Keeping {
  readonly authority: Authority
  readonly config: Config
  readonly voice: Voice
  readonly source: AuthoritySource
  readonly door: OperatorDoor
  readonly console: ConsoleHost
  readonly report: (event: AuthorityEvent) => void
  readonly signal: AbortSignal
}

async function keepUp(context: Context, keeping: Keeping): Promise<ExitCode> {
  const { authority, config, voice, source, door, console, report, signal } = keeping
  const { output, place } = context
  // 1 Peers are let in first, so that they hear at once what is published. Whatever stands in the way of the first apply,
  //   somebody is there to read it.
  await authority.servePeers()
  door.moveTo(config.authority.metrics)
  console.moveTo(config)
  authority.serveStatus(() => startProcess('#responder'))
  const approve = () => config.authority.autoApply === 'all'
  const pace = new Pace(context.world.clock)
  const first = await output.during('applying', authority.apply({ approve, pace }))
  voice.applied(first)
  // 2 From here on others ask us instead of doing it themselves.
  const { adminSocket } = layoutOf(config).authority
  const reload = () => {
    const config = loadConfig(context)
    authority.configure(config)
    door.moveTo(config.authority.metrics)
    console.moveTo(config)
    return config
  }
  const { world } = context
  const wake = new Wake({ file: place.file, signal, world, onJump: voice.jumped })
  let admin: AdminServer | undefined
  try {
    admin = await serveAdmin(authority, adminSocket, {
      beforeApply: async () => void reload(),
      afterDeed: () => wake.poke(),
      events: voice.events,
      consoleLink: console.link,
      told: (happening) => report({ ...happening, subject: 'authority', at: world.clock() }),
    })
    authority.peers.onChange(() => wake.heard())
    authority.onStirred(() => wake.poke())
    voice.ready(first.bundle, config.services.size, adminSocket)
    // 3 Until somebody asks us to end.
    await keep({
      authority,
      loadConfig: reload,
      clock: world.clock,
      pace,
      wait: (until, heedPeersFrom) => wake.wait(until, heedPeersFrom),
      signal,
      onApplied: voice.applied,
      onError: voice.problem,
      onLooked: source.looked,
    })
    return exitCode.done
  } finally {
    wake.close()
    // Nobody says anything any more once it has been said that this has ended.
    await Promise.all([admin?.close(), door.close(), console.close()])
    await authority.close({ grace: GRACE })
    voice.ended()
  }
}

/** Says what happens: a line for people on stderr, or with `--json` a document on stdout; and keeps it for whoever asks later. */
class Voice {
  readonly #context: Context
  readonly events: EventBook
  #waiting = '[]'
  #waits: readonly string[] = []
  #asks: readonly string[] = []
  #problem = ''

  constructor(context: Context) {
    this.#context = context
    this.events = new EventBook(Buffer.from(context.world.randomBytes(8)).toString('hex'))
  }

  readonly event = (event: Parameters<typeof eventText>[0]): void => {
    this.#tell(eventDocument(event))
  }

  /** The clock was set, or the machine slept; whatever is due by now is done at once. */
  readonly jumped = (by: number): void => {
    const what = by > 0 ? 'forward' : 'back'
    const message = `the clock went ${what} by ${spanText(Math.abs(by))}: the machine slept, or its clock was set`
    this.#say('clock-jumped', 'mesh', message, { by })
  }

  readonly applied = ({ failed, declined, waits, asks }: ApplyReport): void => {
    this.#problem = ''
    this.#tellWaits(waits)
    this.#tellAsks(asks)
    for (const { action, error } of failed) this.#say('failed', action.subject, error.message, { action })
    const waiting = JSON.stringify(declined)
    if (waiting === this.#waiting) return
    this.#waiting = waiting
    if (declined.length === 0) return
    // Without colours, because it is kept for whoever asks later.
    const rows = table(declined.map((action) => actionRow(action, (_, text) => text))).trimEnd()
    const message = `waiting for \`mtls apply\`, because they are destructive:\n${rows}`
    this.#say('waiting', 'mesh', message, { actions: declined })
  }

  /** Whom roll-overs wait for, whenever that changes. */
  #tellWaits(waits: ApplyReport['waits']): void {
    const told = waits.map(waitText)
    for (const [index, message] of told.entries()) {
      if (!this.#waits.includes(message)) this.#say('roll-over', 'mesh', message, waitDocument(waits[index]!))
    }
    this.#waits = told
  }

  /** Which keys of roots are asked for, once each. */
  #tellAsks(asks: ApplyReport['asks']): void {
    const told = asks.map(askText)
    for (const [index, message] of told.entries()) {
      if (!this.#asks.includes(message))
        this.#say('root-key-needed', 'mesh', message, askDocument(asks[index]!))
    }
    this.#asks = told
  }

  /** The same problem is told once. */
  readonly problem = (error: unknown): void => {
    const { lines, document } = reportError(error)
    const message = lines.join('\n')
    if (message === this.#problem) return
    this.#problem = message
    this.#say('problem', 'mesh', `${message}\nnothing was changed; what was good before still is`, document)
  }

  ready(bundle: string, services: number, socket: string): void {
    const { output, json } = this.#context
    const message = `bundle ${bundle}, ${countText(services, 'service')}`
    const ready = this.#eventOf('ready', 'mesh', message, { bundle, services, socket })
    if (json) {
      this.#tell(ready)
      return
    }
    this.events.add(ready)
    const hint = `commands are taken at ${socket}; Ctrl-C ends this, and services go on`
    output.tell(`${output.toldStyled('strong', 'ready:')} ${message}`)
    output.tell(output.toldStyled('quiet', hint))
  }

  ended(): void {
    this.#say('ended', 'mesh', 'ended', {})
  }

  #say(kind: OwnEventKind, subject: string, message: string, detail: object): void {
    this.#tell(this.#eventOf(kind, subject, message, detail))
  }

  #eventOf(kind: OwnEventKind, subject: string, message: string, detail: object): ToldEvent {
    return { kind, subject, at: instantText(this.#context.world.clock()), detail: { ...detail, message } }
  }

  #tell(event: ToldEvent): void {
    const { output, json } = this.#context
    this.events.add(event)
    if (json) output.printJsonLine(event)
    else output.tell(toldEventText(event, (style, text) => output.toldStyled(style, text)))
  }
}
