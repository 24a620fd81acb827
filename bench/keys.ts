import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { type KeyAlgorithm, spkiOf } from '@datapunk/pki'
import { TestCa } from '@datapunk/testkit'
import { cpuOf, inTurns, measured } from './measure.ts'
import { microseconds, printRows, type Row } from './table.ts'

/**
 * What a leaf's key costs, by its kind: making it, and a full mutual TLS 1.3 handshake (both ends in one process, so
 * half of the CPU is the server's), under the same P-256 CA.
 *
 *     taskset -c 0 node bench/keys.ts
 */
const kinds: Readonly<Record<string, { algorithm: KeyAlgorithm; generate: () => KeyObject; count: number }>> =
  {
    'RSA 2048': rsa(2048, 5),
    'RSA 3072': rsa(3072, 2),
    'RSA 4096': rsa(4096, 1),
    'P-256': {
      algorithm: 'ecdsa-p256',
      generate: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
      count: 500,
    },
    Ed25519: { algorithm: 'ed25519', generate: () => generateKeyPairSync('ed25519').privateKey, count: 500 },
  }

const ca = await TestCa.create({ at: Date.now() })
const handshakes: Record<string, (count: number) => Promise<void>> = {}
const chains = new Map<string, number>()
const closing: (() => void)[] = []
for (const [name, { algorithm, generate }] of Object.entries(kinds)) {
  const end = await options(algorithm, generate())
  chains.set(name, Buffer.byteLength(String(end.cert)))
  const server = createServer({ ...end, requestCert: true, rejectUnauthorized: true }, (socket) =>
    socket.end('x'),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  const { port } = server.address() as { port: number }
  handshakes[name] = async (count) => {
    for (let done = 0; done < count; done++) {
      await ended(connect({ ...end, port, host: '127.0.0.1', servername: 'lake.service.datapunk' }))
    }
  }
}
const costs = await inTurns(handshakes, 60)
for (const close of closing) close()

const rows: Row[] = []
for (const [name, { generate, count }] of Object.entries(kinds)) {
  const made: number[] = []
  for (let round = 0; round < 11; round++) {
    const cpu = await cpuOf(() => {
      for (let done = 0; done < count; done++) generate()
    })
    made.push(cpu / count)
  }
  rows.push(
    { what: `${name}: a full mutual handshake, both ends`, found: microseconds(measured(costs[name]!)) },
    { what: `${name}: a key made`, found: microseconds(measured(made)) },
    { what: `${name}: chain in PEM`, found: `${chains.get(name)} bytes` },
  )
}
printRows(rows)

function rsa(modulusLength: number, count: number) {
  const generate = () => generateKeyPairSync('rsa', { modulusLength }).privateKey
  return { algorithm: 'rsa', generate, count } as const
}

async function options(algorithm: KeyAlgorithm, privateKey: KeyObject) {
  const leaf = await ca.leaf('lake', { algorithm, spki: spkiOf(privateKey) })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  return {
    key,
    cert: ca.chainPem(leaf),
    ca: ca.root.pem,
    ecdhCurve: 'X25519',
    minVersion: 'TLSv1.3' as const,
  }
}

function ended(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject).on('close', () => resolve())
    socket.resume()
  })
}
