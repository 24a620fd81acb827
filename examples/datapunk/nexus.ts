// nexus: the gateway. Plain HTTP for people on loopback, the mesh for everything else.
import { createServer } from 'node:http'
import { join } from '@datapunk/mesh'
import { Calls } from './calls.ts'
import { gateway } from './gateway.ts'
import { close, listen } from './listen.ts'
import { Overview, type OverviewDocument } from './overview.ts'
import { parsePlace } from './place.ts'
import { readJson } from './read-json.ts'
import { parseReport } from './report.ts'
import { router } from './router.ts'
import { run } from './run.ts'

await run('nexus', async ({ say, clock }) => {
  const place = parsePlace(process.env.DATAPUNK_HTTP ?? '127.0.0.1:8080')
  const mesh = await join('nexus')
  const calls = new Calls(mesh, say, clock)
  const overview = new Overview()

  const server = mesh.createServer(
    router({
      'POST /reports': async (request) => {
        overview.take(mesh.peer(request).service, parseReport(await readJson(request)), clock())
        return { status: 202, body: {} }
      },
    }),
  )
  const people = createServer(router(gateway((url, init) => mesh.fetch(url, init), document, clock)))

  function document(now: number): OverviewDocument {
    overview.take('nexus', { calls: calls.list, refused: calls.refused, counts: {} }, now)
    return overview.document(now)
  }

  const where = await listen(
    server,
    mesh.self.listen,
    'services.nexus.listen and .address in the config file',
  )
  const plain = await listen(people, place, 'DATAPUNK_HTTP, as in DATAPUNK_HTTP=127.0.0.1:8081')
  const { host, port } = await mesh.serveOperator()
  say(
    `ready: https://${where} for the mesh, http://${plain} for people, http://${host}:${port} for operators`,
  )

  return async () => {
    await Promise.all([close(people), close(server)])
    await mesh.leave()
  }
})
