// stream: stream processing. Takes events from nexus, sums them up in windows of time, writes those to lake.
import { randomUUID } from 'node:crypto'
import { join } from '@datapunk/mesh'
import { Calls } from './calls.ts'
import { parseEvents } from './event.ts'
import { close, listen } from './listen.ts'
import { Outbox } from './outbox.ts'
import { Problem } from './problem.ts'
import { readJson } from './read-json.ts'
import type { WindowRecord } from './record.ts'
import { startReporting } from './reporter.ts'
import { router } from './router.ts'
import { run } from './run.ts'
import { Windows } from './windows.ts'

await run('stream', async ({ say, clock }) => {
  const mesh = await join('stream')
  const calls = new Calls(mesh, say, clock)
  const windows = new Windows({ length: 5000, grace: 1000, most: 10_000 })
  const outbox = new Outbox(writeToLake, 10_000)
  const counts = { events: 0, late: 0 }

  const server = mesh.createServer(
    router({
      'POST /events': [
        mesh.authorize(['nexus']),
        async (request) => {
          const outcomes = parseEvents(await readJson(request), clock()).map((event) =>
            windows.add(event, clock()),
          )
          const [counted, late, full] = (['counted', 'late', 'full'] as const).map(
            (kind) => outcomes.filter((outcome) => outcome === kind).length,
          ) as [number, number, number]
          counts.events += counted
          counts.late += late
          if (full > 0)
            throw new Problem(503, 'FULL', `found no room for ${full} of the events; allowed: fewer sources`)
          return { status: 202, body: { counted, late } }
        },
      ],
    }),
  )

  async function writeToLake(records: readonly WindowRecord[]): Promise<void> {
    const reply = await mesh.fetch('https://lake.service.datapunk/records', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(records),
      signal: AbortSignal.timeout(5000),
    })
    const text = await reply.text()
    if (!reply.ok) throw new Error(`it answered ${reply.status}: ${text.trim()}`)
  }

  async function send(closed: ReturnType<Windows['takeAll']>): Promise<void> {
    outbox.put(closed.map((window) => ({ id: randomUUID(), ...window })))
    try {
      const written = await outbox.send()
      if (written > 0) say(`wrote ${written} ${written === 1 ? 'window' : 'windows'} to lake`)
    } catch (error) {
      say(`${outbox.waiting} windows wait for lake: ${error instanceof Error ? error.message : error}`)
    }
  }

  const where = await listen(
    server,
    mesh.self.listen,
    'services.stream.listen and .address in the config file',
  )
  const stopReporting = startReporting(mesh, calls, () => ({ ...counts, dropped: outbox.dropped }), say)
  let sending = Promise.resolve()
  const timer = setInterval(() => {
    sending = sending.then(() => send(windows.takeClosed(clock())))
  }, 1000)
  const { host, port } = await mesh.serveOperator()
  say(`ready: https://${where} for the mesh, http://${host}:${port} for operators`)

  return async () => {
    stopReporting()
    clearInterval(timer)
    await close(server)
    await sending
    await send(windows.takeAll())
    await mesh.leave()
  }
})
