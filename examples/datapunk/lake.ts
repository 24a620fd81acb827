// lake: data storage. Takes records from stream, answers queries.
import { join } from '@datapunk/mesh'
import { Calls } from './calls.ts'
import { close, listen } from './listen.ts'
import { readJson } from './read-json.ts'
import { parseRecordQuery, parseRecords } from './record.ts'
import { RecordStore } from './record-store.ts'
import { startReporting } from './reporter.ts'
import { router } from './router.ts'
import { run } from './run.ts'

await run('lake', async ({ say, clock }) => {
  const mesh = await join('lake')
  const calls = new Calls(mesh, say, clock)
  const store = new RecordStore(process.env.DATAPUNK_LAKE ?? 'lake.db')

  const server = mesh.createServer(
    router({
      'GET /records': (_, url) => ({ body: { records: store.find(parseRecordQuery(url.searchParams)) } }),
      'POST /records': [
        mesh.authorize(['stream']),
        async (request) => {
          const records = parseRecords(await readJson(request))
          store.add(records)
          return { status: 201, body: { stored: records.length } }
        },
      ],
    }),
  )

  const where = await listen(server, mesh.self.listen, 'services.lake.listen and .address in the config file')
  const stopReporting = startReporting(mesh, calls, () => ({ records: store.size }), say)
  const { host, port } = await mesh.serveOperator()
  say(`ready: https://${where} for the mesh, http://${host}:${port} for operators`)

  return async () => {
    stopReporting()
    await close(server)
    await mesh.leave()
    store.close()
  }
})
