import { once } from 'node:events'
import { join } from '@datapunk/mesh'

/** What a service says that is asked what its calls have come to. */
export interface CallsSaid {
  readonly calls: number
  /** What each call failed with that did. */
  readonly failures: readonly string[]
  /** Once garbage was collected, octets. */
  readonly heap: number
}

/**
 * A service that answers, and calls another again and again, every second time over a new connection. Its first message is its port,
 * the first that it gets the other’s URL; to every later one it answers `CallsSaid`.
 *
 *     node --expose-gc calling-service.ts CONFIG SERVICE
 */
const [config = '', service = ''] = process.argv.slice(2)
const mesh = await join(service, { config })
const server = mesh.createServer((request, response) => response.end(mesh.peer(request).service))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.send?.((server.address() as { port: number }).port)
const [url] = await once(process, 'message')

const failures: string[] = []
let calls = 0
process.on('message', () => {
  globalThis.gc?.()
  const said: CallsSaid = { calls, failures, heap: process.memoryUsage().heapUsed }
  process.send?.(said)
})
for (;;) {
  try {
    const headers = calls % 2 === 0 ? {} : { connection: 'close' }
    await (await mesh.fetch(url as string, { headers })).text()
  } catch (error) {
    failures.push(String(error))
  }
  calls++
  await new Promise((resolve) => setTimeout(resolve, 20))
}
