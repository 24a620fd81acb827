import { AuthorityError, readEvents, type ToldEvent } from '@datapunk/authority'
import { layoutOf } from '@datapunk/protocol'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import { toldEventText } from '../event-text.ts'
import { exitCode } from '../exit-code.ts'
import { pause } from '../pause.ts'

export const eventsCommand: CommandSpec<{ follow?: boolean }> = {
  name: 'events',
  summary: 'what the running `mtls up` reports',
  description:
    'Shows the last 1,000 events of the `mtls up` that runs: the documents that it prints with --json. What changed anything is in `mtls audit` for good. With --follow it goes on, until Ctrl-C, also when `mtls up` is started anew.',
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

async function showKept(context: Context): Promise<void> {
  const { socket, asker } = placeOf(context)
  for await (const { event } of readEvents(socket, { after: null, follow: false, asker }))
    tell(context, event)
}

async function followEvents(context: Context, signal: AbortSignal): Promise<void> {
  const { output } = context
  const { socket, asker } = placeOf(context)
  let after: string | null = null
  let isWaiting = false
  while (!signal.aborted) {
    try {
      for await (const { position, event } of readEvents(socket, { after, follow: true, asker, signal })) {
        after = position
        isWaiting = false
        tell(context, event)
      }
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof AuthorityError && error.code === 'ADMIN_UNREACHABLE')) throw error
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

function tell({ output, json }: Context, event: ToldEvent): void {
  if (json) output.printJsonLine(event)
  else output.print(`${toldEventText(event, (style, text) => output.styled(style, text))}\n`)
}
