import { PassThrough, Writable } from 'node:stream'
import { WriteStream } from 'node:tty'
import type { World } from '../world.ts'

/** As a real one: by `$TERM` and `$NO_COLOR`. */
const { getColorDepth } = WriteStream.prototype

/** A world with a terminal at which `answer` is typed, whatever is asked. */
export function worldWithTerminal(answer: string): World & { readonly shown: () => string } {
  let shown = ''
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
  stdin.write(answer)
  const terminal = () => {
    const stream = new Writable({
      write(chunk, _, done) {
        shown += chunk
        done()
      },
    })
    return Object.assign(stream, { isTTY: true, columns: 120, getColorDepth })
  }
  return {
    clock: Date.now,
    monotonic: () => performance.now(),
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    environment: {},
    pid: process.pid,
    stdin: stdin as unknown as World['stdin'],
    stdout: terminal() as unknown as World['stdout'],
    stderr: terminal() as unknown as World['stderr'],
    onSignal: () => () => {},
    shown: () => shown,
  }
}
