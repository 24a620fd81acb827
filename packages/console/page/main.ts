import { render } from 'lit-html'
import { announcement } from './announcement.ts'
import { Announcer } from './announcer.ts'
import { keepWidth } from './map/map-width.ts'
import { pageCommands } from './page-commands.ts'
import { onPageKey, settleDialog, settleFocus } from './page-focus.ts'
import { firstState, nextState } from './page-state.ts'
import { pageTitle } from './page-title.ts'
import { pageView } from './page-view.ts'
import { RestLoader } from './rest-loader.ts'
import { PageSession } from './session/page-session.ts'
import { Refresher } from './session/refresher.ts'
import { createStore } from './store.ts'

const place = { location, history, storage: sessionStorage }
const root = document.querySelector<HTMLElement>('#page')!
const store = createStore(firstState(Date.now()), nextState)
const after = (delay: number, deed: () => void) => {
  const timer = setTimeout(deed, delay)
  return () => clearTimeout(timer)
}

const session = new PageSession({ place, send: store.send, now: Date.now, after, random: Math.random })
const rest = new RestLoader()
const commands = pageCommands({
  store,
  call: session.call,
  loadRest: rest.load,
  checkProof: rest.checkProof,
  onEnd: session.end,
})

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
addEventListener('hashchange', () => location.hash !== '' && void session.begin())
addEventListener('keydown', (event) => onPageKey(event, root, store.state, commands))
draw()
void session.begin()
