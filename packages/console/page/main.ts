import { render } from 'lit-html'
import { announcement } from './announcement.ts'
import { Announcer } from './announcer.ts'
import { keepWidth } from './map/map-width.ts'
import { pageCommands } from './page-commands.ts'
import { messageOf, PageError } from './page-error.ts'
import { onPageKey, settleDialog, settleFocus } from './page-focus.ts'
import { firstState, nextState } from './page-state.ts'
import { pageTitle } from './page-title.ts'
import { pageView } from './page-view.ts'
import { RestLoader } from './rest-loader.ts'
import { callsOf, piecesOf } from './session/call.ts'
import { Refresher } from './session/refresher.ts'
import { enter, leave, shutEntry } from './session/session.ts'
import { followStream } from './session/stream.ts'
import { createStore } from './store.ts'

const place = { location, history, storage: sessionStorage }
const root = document.querySelector<HTMLElement>('#page')!
const store = createStore(firstState(Date.now()), nextState)
const after = (delay: number, deed: () => void) => {
  const timer = setTimeout(deed, delay)
  return () => clearTimeout(timer)
}

/** Calls of the session that is open. */
let call = callsOf('')
/** Ends with it. */
let ending = new AbortController()

const rest = new RestLoader()
const commands = pageCommands({
  store,
  call: (path, options) => call(path, options),
  loadRest: rest.load,
  checkProof: rest.checkProof,
  onEnd: end,
})

/** Lets in whoever came by a link, or was here before, and follows the mesh until the session ends. */
async function begin(): Promise<void> {
  ending.abort()
  ending = new AbortController()
  const { signal } = ending
  const entry = await enter(place)
  if (entry.kind === 'open') call = callsOf(entry.session.session)
  store.send({ type: 'entry', entry })
  if (entry.kind !== 'open') return
  try {
    await followStream(
      {
        open: async (stop) => piecesOf(await call('/api/stream', { signal: stop })),
        onMessage: (message) => store.send({ type: 'said', message, at: Date.now() }),
        onConnection: (connection) => store.send({ type: 'connection', connection }),
        now: Date.now,
        after,
        random: Math.random,
      },
      signal,
    )
  } catch (error) {
    if (!(error instanceof PageError)) throw error
    if (!signal.aborted) end(messageOf(error))
  }
}

/** @param reason why nobody is let in any more; undefined: he has logged out */
function end(reason: string | undefined): void {
  ending.abort()
  leave(place)
  store.send({ type: 'entry', entry: shutEntry(place, reason) })
}

const announcer = new Announcer(document.querySelector('#said')!, after)
const refresher = new Refresher(commands, () => store.state, after)
const map = keepWidth((width) => store.send({ type: 'map-width', width }))
let shown = store.state
let isDue = false

function draw(): void {
  isDue = false
  const [before, state] = [shown, store.state]
  shown = state
  const said = announcement(before, state)
  if (said !== undefined) announcer.say(said)
  document.title = pageTitle(state)
  render(pageView(state, rest.asked(state.rest), commands), root)
  settleDialog(root, state.dialog !== undefined)
  settleFocus(root, before, state)
  map.watch(root.querySelector('.map'))
  refresher.look(before, state)
}

store.onChange(() => {
  if (isDue) return
  isDue = true
  // A page that nobody sees gets no frames, and its title goes on.
  if (document.hidden) after(1000, draw)
  else requestAnimationFrame(draw)
})
setInterval(() => store.send({ type: 'tick', now: Date.now() }), 1000)
addEventListener('hashchange', () => location.hash !== '' && void begin())
addEventListener('keydown', (event) => onPageKey(event, root, store.state, commands))
draw()
void begin()
