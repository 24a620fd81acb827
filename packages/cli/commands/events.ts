import {
  AuthorityError,
  type KeptEvent,
  missedBetween,
  readEvents,
  type ToldEvent,
} from '@datapunk/authority'
import { layoutOf } from '@datapunk/protocol'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import { exitCode } from '../exit-code.ts'
import { pause } from '../pause.ts'
import { toldEventText } from '../text/event-text.ts'

export const eventsCommand: CommandSpec<{ follow?: boolean }> = {
  name: 'events',
  summary: 'what the running `mtls up` reports',
  description:
    'Shows the last 1,000 events of the `mtls up` that runs: the documents that it prints with --json. What changed anything is in `mtls audit` for good. With --follow it goes on, until Ctrl-C, also when `mtls up` is started anew; whoever reads too slowly is told how many were missed.',
  options: [['--follow', 'go on with those that come, and wait for `mtls up` where none runs']],
  json: () => import('../documents/events.ts'),
  examples: ['mtls events', 'mtls events --follow', 'mtls events --follow --json | grep peer-refused'],
  async run(context, { follow = false }) {
    const ending = new AbortController()
    const stopListening = context.world.onSignal(() => ending.abort())
    try {
      await (follow ? followEvents(context, ending.signal) : showKept(context))
      return exitCode.done
    } finally {
      stopListening()
    }
  },
}

/** How often a socket without anybody behind it is tried again, milliseconds. */
const TRY_AGAIN = 500

/** Nobody is there, or somebody who is about to end. */
const worthWaiting = new Set<unknown>(['ADMIN_SILENT', 'ADMIN_UNREACHABLE'])

async function showKept(context: Context): Promise<void> {
  const { socket, asker } = placeOf(context)
  let before: string | null = null
  for await (const kept of readEvents(socket, { after: null, follow: false, asker })) {
    tell(context, kept, before)
    before = kept.position
  }
}

async function followEvents(context: Context, signal: AbortSignal): Promise<void> {
  const { output } = context
  const { socket, asker } = placeOf(context)
  let after: string | null = null
  let isWaiting = false
  while (!signal.aborted) {
    try {
      for await (const kept of readEvents(socket, { after, follow: true, asker, signal })) {
        tell(context, kept, after)
        after = kept.position
        isWaiting = false
      }
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof AuthorityError && worthWaiting.has(error.code))) throw error
    }
    if (!isWaiting && !signal.aborted)
      output.tell(output.toldStyled('quiet', `waiting for \`mtls up\` at ${socket}`))
    isWaiting = true
    await pause(TRY_AGAIN, signal)
  }
}

function placeOf(context: Context) {
  const socket = layoutOf(loadConfig(context)).authority.adminSocket
  return { socket, asker: { purpose: 'events', uid: context.world.uid } }
}

/** Tells an event, and before it how many were missed since the last. @param before position of that; null: there was none */
function tell(context: Context, kept: KeptEvent, before: string | null): void {
  const missed = missedBetween(before, kept)
  if (missed > 0) show(context, eventsMissed(missed, kept.event.at))
  show(context, kept.event)
}

/** In their place. @param at of the event that follows them */
function eventsMissed(missed: number, at: string): ToldEvent {
  const message = `${missed} events came faster than they were read, and are kept no longer; \`mtls audit\` has what changed anything`
  return { kind: 'events-missed', subject: 'authority', at, detail: { missed, message } }
}

function show({ output, json }: Context, event: ToldEvent): void {
  if (json) output.printJsonLine(event)
  else output.print(`${toldEventText(event, (style, text) => output.styled(style, text))}\n`)
}
