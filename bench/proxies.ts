import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { TestMesh } from '@datapunk/testkit'
import { ServerProcess } from './server-process.ts'

/** MiB that the service behind sends when it is asked to. */
export const SENT = 256

/** The service behind, in a process of its own. */
export async function startService(): Promise<{ port: number; child: ChildProcess }> {
  const child = fork(join(import.meta.dirname, 'proxied-service.ts'), [`${SENT}`])
  const [port] = (await once(child, 'message')) as [number]
  return { port, child }
}

/** A member of the mesh, as node:tls; X25519 alone, because not every outsider knows ML-KEM. */
export async function callerContext(mesh: TestMesh): Promise<SecureContext> {
  const leaf = await mesh.leaf('stream')
  const pair = { cert: mesh.ca.chainPem(leaf), key: leaf.keyPem, ca: mesh.ca.root.pem }
  return createSecureContext({ ...pair, ecdhCurve: 'X25519', minVersion: 'TLSv1.3' })
}

export async function startOurs(mesh: TestMesh, to: number): Promise<ServerProcess> {
  const port = await freePort()
  const program = join(import.meta.dirname, '../packages/cli/bin/mtls.js')
  const routes = ['--listen', `127.0.0.1:${port}`, '--to', `127.0.0.1:${to}`]
  const flags = ['--max-semi-space-size=8', program, 'proxy', 'lake', '--config', mesh.configFile]
  const started = await ServerProcess.startProgram(port, process.execPath, [...flags, '--json', ...routes])
  return started as ServerProcess
}

/** With the files of `lake`, one thread. */
export async function startHaproxy(mesh: TestMesh, to: number): Promise<ServerProcess | undefined> {
  const port = await freePort()
  const { cert, key } = mesh.pair('lake')
  const [both, file] = ['haproxy.pem', 'haproxy.cfg'].map((name) => join(mesh.folder, name)) as [
    string,
    string,
  ]
  writeFileSync(both, `${readFileSync(cert)}\n${readFileSync(key)}`, { mode: 0o600 })
  writeFileSync(
    file,
    `global
  nbthread 1
defaults
  mode tcp
  timeout connect 10s
  timeout client 60s
  timeout server 60s
listen lake
  bind 127.0.0.1:${port} ssl crt ${both} ca-file ${mesh.config.paths.caCert} verify required ssl-min-ver TLSv1.3
  server service 127.0.0.1:${to}
`,
  )
  return ServerProcess.startProgram(port, 'haproxy', ['-f', file, '-db', '-q'])
}

/** With the files of `lake`. */
export async function startStunnel(mesh: TestMesh, to: number): Promise<ServerProcess | undefined> {
  const port = await freePort()
  const { cert, key } = mesh.pair('lake')
  const file = join(mesh.folder, 'stunnel.conf')
  writeFileSync(
    file,
    `foreground = quiet
pid =
syslog = no
debug = 3
[lake]
accept = 127.0.0.1:${port}
connect = 127.0.0.1:${to}
cert = ${cert}
key = ${key}
CAfile = ${mesh.config.paths.caCert}
verify = 2
sslVersionMin = TLSv1.3
`,
  )
  return ServerProcess.startProgram(port, 'stunnel', [file])
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}
