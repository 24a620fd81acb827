import { flushCompileCache } from 'node:module'
import { runResponder } from '@datapunk/authority'

// The process that `mtls up` starts to answer for it: of the world it has the clock, and its authority.
runResponder(
  {
    send: (message) => process.send?.(message),
    onMessage: (listener) => process.on('message', listener),
  },
  Date.now,
)
// It ends with its authority, whose Ctrl-C is not for it to hear.
process.once('disconnect', () => process.exit())
process.on('SIGINT', () => {})
// Now, because it may be ended by a signal, which leaves Node no time for it.
flushCompileCache()
