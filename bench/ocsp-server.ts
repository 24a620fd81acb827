import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { layoutOf } from '@datapunk/protocol'
import { LogShelf } from '../packages/authority/responder/log-shelf.ts'
import { statusServer } from '../packages/authority/responder/status-server.ts'
import { ocspMesh } from './ocsp-mesh.ts'

// The other process of bench/ocsp.ts: answers OCSP requests by HTTP, ours or (`bare`) what node:http does with the same bytes.
const mesh = await ocspMesh(1)
const [request] = mesh.requests
const answer = await mesh.responder.answer(request!)
const layout = layoutOf({ authority: { state: '/nowhere' } })
const logs = new LogShelf({ store: mesh.store, layout, publicUrl: undefined })
const server =
  process.argv[2] === 'bare'
    ? createServer((incoming, response) => {
        incoming.resume().on('end', () => response.end(answer.der))
      })
    : statusServer({ store: mesh.store, ocsp: mesh.responder, logs, clock: Date.now })
server.listen(0, '127.0.0.1', () => {
  const body = Buffer.from(request!).toString('base64')
  process.send?.({ port: (server.address() as AddressInfo).port, body })
})
process.on('disconnect', () => process.exit())
