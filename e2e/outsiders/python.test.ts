import assert from 'node:assert/strict'
import { test } from 'node:test'
import { join } from '@datapunk/mesh'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { Greeter } from '../greeter.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { needs, program } from '../outsider.ts'
import { snippet } from '../readme.ts'

const client = `
import http.client, ssl, sys
ca, cert, key, name, port = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.minimum_version = ssl.TLSVersion.TLSv1_3
if cert: context.load_cert_chain(cert, key)
class Connection(http.client.HTTPSConnection):
    def connect(self):
        self.sock = context.wrap_socket(self._create_connection(("127.0.0.1", self.port)), server_hostname=self.host)
connection = Connection(name, int(port))
connection.request("GET", "/")
print(connection.getresponse().read().decode())
`

/** What DNS does for a reader of the README. */
const namesOnLoopback = `
import socket
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: resolve("127.0.0.1" if host.endswith(".service.datapunk") else host, *rest, **more)
`

const server = `
import http.server, ssl, sys
ca, cert, key = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
context.verify_mode = ssl.CERT_REQUIRED
context.load_cert_chain(cert, key)
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        names = [name for kind, name in self.connection.getpeercert()["subjectAltName"] if kind == "DNS"]
        body = ("hello " + names[0]).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        print("called", flush=True)
httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
print("listening on", httpd.server_port, flush=True)
httpd.serve_forever()
`

test('a Python client is answered with a certificate, and not without', needs('python3'), async (t) => {
  const mesh = await MeshFolder.applied({ services: { lake: {}, stream: {} } })
  atEnd(t, () => mesh.remove())
  const lake = await Greeter.start(mesh, 'lake')
  atEnd(t, () => lake.stop())
  const call = (cert: string, key: string, name = lake.name) =>
    Child.run(program('python3'), ['-c', client, mesh.caCert, cert, key, name, `${lake.port}`])
  const { cert, key } = mesh.pair('stream')

  const answer = await call(cert, key)
  assert.equal(answer.stdout, 'hello stream\n', answer.stderr)
  const withNone = await call('', '')
  assert.notEqual(withNone.code, 0)
  assert.equal(withNone.stdout, '')
  assert.match((await call(cert, key, 'stream.service.datapunk')).stderr, /Hostname mismatch/)
  assert.equal(lake.calls, 1)
})

test('the Python of the README is answered', needs('python3'), async (t) => {
  const mesh = await MeshFolder.applied({ services: { lake: {}, stream: {} } })
  atEnd(t, () => mesh.remove())
  const lake = await Greeter.start(mesh, 'lake')
  atEnd(t, () => lake.stop())
  const code = snippet('python', mesh).replace(':8445', `:${lake.port}`)
  assert.equal(await Child.output(program('python3'), ['-c', `${namesOnLoopback}${code}`]), 'hello stream\n')
})

test('a Python server that demands certificates serves us, and no stranger', needs('python3'), async (t) => {
  const mesh = await MeshFolder.applied({ services: { lake: {}, stream: {} } })
  atEnd(t, () => mesh.remove())
  const { cert, key } = mesh.pair('lake')
  const python = Child.start(program('python3'), ['-c', server, mesh.caCert, cert, key])
  atEnd(t, () => python.stop())
  const [, port = ''] = await python.says(/listening on (\d+)/)
  const stream = await join('stream', { config: mesh.configFile })
  atEnd(t, () => stream.leave())

  const answer = await stream.fetch(`https://lake.service.datapunk:${port}/`)
  assert.equal(await answer.text(), 'hello stream.service.datapunk')
  const stranger = await Child.run(program('python3'), [
    '-c',
    client,
    ...[mesh.caCert, '', '', 'lake.service.datapunk', port],
  ])
  // An alert, a reset or an end, whichever its socket tells first.
  assert.notEqual(stranger.code, 0)
  assert.equal(stranger.stdout, '')
  assert.equal(python.stdout.match(/called/g)?.length, 1)
})
