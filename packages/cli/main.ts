import { randomBytes } from 'node:crypto'
import { run } from './run.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

// The one place where the real clock, randomness, environment and terminal are.
process.exitCode = await run(process.argv.slice(2), {
  clock: Date.now,
  monotonic: () => performance.now(),
  randomBytes,
  environment: process.env,
  pid: process.pid,
  uid: process.getuid?.(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  onSignal: (listener) => {
    for (const signal of signals) process.on(signal, listener)
    return () => {
      for (const signal of signals) process.off(signal, listener)
    }
  },
})
