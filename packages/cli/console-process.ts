import { randomBytes } from 'node:crypto'
import { flushCompileCache } from 'node:module'
import { runConsole } from './console/run-console.ts'

// The process that `mtls up` starts to serve its console: of the world it has the clock, randomness, and its authority.
runConsole(
  {
    send: (message) => process.send?.(message),
    onMessage: (listener) => process.on('message', listener),
  },
  { clock: Date.now, randomBytes, uid: process.getuid?.() },
)
// It ends with its authority, whose Ctrl-C is not for it to hear.
process.once('disconnect', () => process.exit())
process.on('SIGINT', () => {})
// Now, because it may be ended by a signal, which leaves Node no time for it.
flushCompileCache()
