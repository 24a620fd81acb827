import { join } from '../index.ts'
import { listen } from './listen.ts'

/** A worker of node:cluster that serves as `lake`, of the config file it is given, until it is told to stop. */
const lake = await join('lake', { config: process.argv[2] as string })
const server = lake.createServer((_incoming, response) => {
  response.setHeader('connection', 'close').end(`by ${process.pid}`)
})
const port = await listen(server)
process.once('message', async () => {
  server.close()
  await lake.leave()
  process.disconnect?.()
})
process.send?.(port)
