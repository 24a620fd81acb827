import type { Context } from '../context.ts'
import { reportError } from '../error-report.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { pause } from '../pause.ts'
import { Screen } from '../screen.ts'
import { countText } from '../text/action-text.ts'
import { timeText } from '../text/time-text.ts'
import { statusDocument } from './status-document.ts'
import { faultsOfInstance } from './status-faults.ts'
import { lookAtStatus, type StatusLook } from './status-look.ts'
import { faultLines, statusText } from './status-text.ts'

/** Milliseconds between two looks. */
const LOOK_EVERY = 2000

/** Shows the mesh as it is, whenever that has changed, until somebody asks this process to end. */
export async function watchStatus(context: Context): Promise<ExitCode> {
  const ending = new AbortController()
  const stopListening = context.world.onSignal(() => ending.abort())
  try {
    const show = showing(context)
    // What can't be looked at from the first is an error as without watching; what can't later may pass.
    show(await lookAtStatus(context))
    while (!ending.signal.aborted) {
      await pause(LOOK_EVERY, ending.signal)
      if (!ending.signal.aborted) show(await lookAtStatus(context).catch((error: unknown) => ({ error })))
    }
    return exitCode.done
  } finally {
    stopListening()
  }
}

type Seen = StatusLook | { readonly error: unknown }

function showing(context: Context): (seen: Seen) => void {
  const { json, world } = context
  if (json) return onceEach(context, (seen) => jsonLine(seen))
  return world.stdout.isTTY ? onScreen(context) : onceEach(context, (seen) => summaryLine(seen), withTime)
}

function onScreen({ output, world }: Context): (seen: Seen) => void {
  const screen = new Screen(world.stdout)
  return (seen) => {
    if ('error' in seen) {
      screen.draw(`${reportError(seen.error).lines.join('\n')}\n`)
      return
    }
    const faults = faultLines(seen).map((line) => `${output.styled('bad', line)}\n`)
    const foot = output.styled('quiet', `seen at ${timeText(seen.now)}; Ctrl-C ends this`)
    screen.draw(`${statusText(seen, output)}${faults.join('')}\n${foot}\n`)
  }
}

/** Appends what `lineOf` makes of it, where that is another line than the last time. */
function onceEach(
  context: Context,
  lineOf: (seen: Seen) => string,
  told: (line: string, context: Context) => string = (line) => line,
): (seen: Seen) => void {
  let last: string | undefined
  return (seen) => {
    const line = lineOf(seen)
    if (line === last) return
    last = line
    context.output.print(`${told(line, context)}\n`)
  }
}

function withTime(line: string, { world }: Context): string {
  return `${timeText(world.clock())}  ${line}`
}

/** Without what changes with every look, which is in `outage` too. */
function jsonLine(seen: Seen): string {
  if ('error' in seen) return JSON.stringify(reportError(seen.error).document)
  const { outageBudgetSeconds: _, ...document } = statusDocument(seen)
  return JSON.stringify(document)
}

/** `bundle 1.5, enforced by 2 of 3 services, 2 live; lake: late`. */
function summaryLine(seen: Seen): string {
  if ('error' in seen) return reportError(seen.error).lines.join(' ')
  const { status, faults, now } = seen
  const live = status.services.reduce((sum, one) => sum + one.live, 0)
  const enforced = status.services.filter(
    ({ enforced }) => enforced !== undefined && enforced === status.bundle,
  ).length
  const wrong = status.services.flatMap((one) => {
    const found = faultsOfInstance(one, now)
    return found.length > 0 ? [`${one.instance}: ${found.join(', ')}`] : []
  })
  const waiting = [...status.waits.map(({ slot }) => slot), ...status.asks.map(() => 'the key of a root')]
  return [
    `bundle ${status.bundle ?? 'none'}, enforced by ${enforced} of ${countText(status.services.length, 'service')}, ${live} live`,
    ...faults,
    ...wrong,
    ...(waiting.length > 0 ? [`a roll-over waits: ${waiting.join(', ')}`] : []),
  ].join('; ')
}
