import { type AddressInfo, createServer } from 'node:net'

// What stands behind the proxies of the benchmarks: says back what it is told, and for a `D` sends as many MiB as its
// argument says, and ends.
const block = Buffer.alloc(1024 * 1024)
const blocks = Number(process.argv[2])

const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.on('data', (bytes) => {
    if (bytes[0] !== 'D'.charCodeAt(0)) socket.write(bytes)
    else send(blocks)
  })
  const send = (left: number): void => {
    if (left === 0) socket.end()
    else socket.write(block, () => send(left - 1))
  }
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
  process.send?.((server.address() as AddressInfo).port),
)
process.on('disconnect', () => process.exit())
