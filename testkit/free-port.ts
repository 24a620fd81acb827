import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Of these systems give none to calls that go out, which could have it before whoever was told of it listens there. */
const [FIRST, LAST] = [20_000, 32_767]

const TRIES = 100

/** A port that nobody listens on now, for servers that can't be told to take any. */
export async function freePort(): Promise<number> {
  for (let tries = 1; ; tries++) {
    const port = randomInt(FIRST, LAST + 1)
    const server = createServer()
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening')
      server.close()
      await once(server, 'close')
      return port
    } catch (error) {
      if (tries === TRIES) throw error
    }
  }
}
