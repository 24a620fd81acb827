import { createPublicKey, hash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import {
  connect,
  createSecureContext,
  createServer as createTlsServer,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import { parseCertificate, verifyScts } from '@datapunk/pki'
import { TestMesh } from '@datapunk/testkit'
import { systemClock } from '../packages/mesh/clock.ts'
import { examine } from '../packages/mesh/gate/examine.ts'
import { Gate } from '../packages/mesh/gate/gate.ts'
import { Membership } from '../packages/mesh/membership/membership.ts'
import { serverContextOptions } from '../packages/mesh/tls-profile.ts'
import { inTurns, measured, ROUNDS, ratio } from './measure.ts'
import { leaveCoreToServers, ServerProcess } from './server-process.ts'
import { factor, microseconds, perSecond, printRows, type Row, share } from './table.ts'

/**
 * Full mutual handshakes (TLS 1.3, no resumption, P-256) with one request each, as CPU of the server: behind the gate,
 * with node:https alone, and with nginx; and what the gate's checks cost by themselves.
 *
 *     node bench/handshake.ts
 */
const AT_ONCE = 8
const A_ROUND = 150
/** More than a peer remembers the SCTs of: by the time one is shown again, it is a stranger again. */
const STRANGERS = 4_200
const mesh = await TestMesh.create({ services: { lake: {}, stream: {} }, transparency: 'required' })
mesh.pinning('required')
const own = mesh.newestLeaf('stream')
const { privateKey, signer } = own
const keyPair = { privateKey, publicKey: createPublicKey(privateKey) }
const strangers = [own]
while (strangers.length < STRANGERS) strangers.push(await mesh.leaf('stream', { keyPair }))
await mesh.writeLog()
await mesh.publish()
const place = { file: mesh.configFile, environment: undefined, root: undefined }
const options = { service: 'lake', clock: systemClock, random: randomBytes, pollEvery: 10_000 }
const membership = await Membership.open({ ...options, place, memory: undefined })
const { view } = membership.current()

const checks = await costOfChecks()
leaveCoreToServers()
const servers = {
  mesh: await ServerProcess.start('mesh', mesh),
  // Apart, because it looks for what it has seen in the log later.
  fresh: await ServerProcess.start('mesh', mesh),
  bare: await ServerProcess.start('bare', mesh),
  nginx: await ServerProcess.startNginx(mesh, await freePort()),
}
const costs = await costOfHandshakes()
for (const server of Object.values(servers)) await server?.stop()
await mesh.remove()

const whole = measured(costs.mesh)
const ofWhole = (cost: number[]) => {
  const { median, low, high } = measured(cost)
  return { median: median / whole.median, low: low / whole.high, high: high / whole.low }
}
const rows: Row[] = [
  {
    what: 'full mutual handshake with every check, and a request: handshakes a second of server CPU',
    found: perSecond(whole),
    goal: '≥ 1,200/s',
    met: 1e6 / whole.median >= 1_200,
  },
  againstLimit('against node:https with the same context', costs.bare),
  {
    ...againstLimit('against nginx', costs.nginx),
    goal: '≥ 0.95',
    met: costs.nginx.length === 0 ? undefined : ratio(costs.nginx, costs.mesh).median >= 0.95,
  },
  {
    what: 'the same with X25519MLKEM768, as members do it among themselves',
    found: perSecond(measured(costs.hybrid)),
  },
  {
    what: 'the same, each with a certificate never seen',
    found: `${perSecond(measured(costs.fresh))}, cost ${factor(ratio(costs.fresh, costs.mesh))} of one seen before`,
  },
  {
    what: 'the checks alone, a certificate seen before',
    found: microseconds(measured(checks.repeat)),
    ratio: `${share(ofWhole(checks.repeat))} of the whole`,
    goal: '≤ 5 %',
    met: ofWhole(checks.repeat).median <= 0.05,
  },
  {
    what: 'the checks alone, at first sight',
    found: microseconds(measured(checks.first)),
    ratio: `${share(ofWhole(checks.first))} of the whole`,
    goal: '≤ 15 %',
    met: ofWhole(checks.first).median <= 0.15,
  },
  {
    what: 'of that: its SCT, and whether its key is pinned',
    found: microseconds(measured(checks.loggedAndPinned)),
    ratio: `${share(ofWhole(checks.loggedAndPinned))} of the whole`,
    goal: '≤ 12 %',
    met: ofWhole(checks.loggedAndPinned).median <= 0.12,
  },
  {
    what: 'of that: whether its key is pinned',
    found: microseconds(measured(checks.pin)),
    ratio: `${share(ofWhole(checks.pin))} of the whole`,
  },
  {
    what: 'the checks alone, a certificate not seen under this bundle',
    found: microseconds(measured(checks.again)),
    ratio: `${share(ofWhole(checks.again))} of the whole`,
  },
]
printRows(rows)

function againstLimit(what: string, limit: number[]): Row {
  if (limit.length === 0) return { what, found: 'not installed' }
  return {
    what,
    found: `ratio of rates ${factor(ratio(limit, costs.mesh))}`,
    limit: perSecond(measured(limit)),
  }
}

/** By server: microseconds of its CPU for one handshake and request, round by round. */
async function costOfHandshakes() {
  const found = {
    ...{ mesh: [] as number[], bare: [] as number[], nginx: [] as number[] },
    ...{ hybrid: [] as number[], fresh: [] as number[] },
  }
  const context = (ecdhCurve: string, leaf = own) =>
    createSecureContext({ cert: mesh.ca.chainPem(leaf), key: own.keyPem, ca: view.authorities, ecdhCurve })
  const [classic, hybrid] = [context('X25519'), context('X25519MLKEM768')]
  let shown = 0
  const contexts = {
    ...{ mesh: () => classic, bare: () => classic, nginx: () => classic, hybrid: () => hybrid },
    fresh: () => context('X25519', strangers[++shown]),
  }
  const turns = Object.keys(found) as (keyof typeof found)[]
  for (let round = -1; round < ROUNDS; round++) {
    for (const index of turns.keys()) {
      const kind = turns[(index + round + 1) % turns.length]!
      const server = servers[kind === 'hybrid' ? 'mesh' : kind]
      if (server === undefined) continue
      const before = server.cpu()
      await handshakes(server.port, contexts[kind])
      if (round >= 0) found[kind].push((server.cpu() - before) / A_ROUND)
    }
  }
  return found
}

async function handshakes(port: number, context: () => SecureContext) {
  let left = A_ROUND
  const lane = async () => {
    while (left-- > 0) {
      const to = { host: '127.0.0.1', port, servername: 'lake.service.datapunk' }
      const socket = connect({ ...to, secureContext: context() })
      let answer = ''
      socket.on('data', (bytes) => {
        answer += bytes
      })
      socket.write('GET / HTTP/1.1\r\nHost: lake\r\nConnection: close\r\n\r\n')
      await once(socket, 'close')
      if (!answer.includes('hello')) throw new Error(`no answer: ${answer}`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
}

/** Of the gate on a real connection, in this process: all that it does between the handshake and the application. */
async function costOfChecks() {
  const { server, client, socket } = await connected()
  const gate = new Gate(membership, systemClock)
  // Another of the same: what has been seen under one is new to the other.
  const { view: acquainted } = (await Membership.open({ ...options, place, memory: undefined })).current()
  let next = 0
  const known = strangers.slice(0, 200).map(({ der }) => parseCertificate(der))
  const check = {
    issuerSpki: mesh.ca.issuing.signer.spki,
    logs: view.logs,
    latest: Date.now() + view.clockSkew,
  }
  const pins = view.bundle.pins!.of.get('stream')!
  const repeat = (count: number) => {
    for (let done = 0; done < count; done++) {
      const leaf = socket.getPeerX509Certificate()
      const verdict = gate.judge({ direction: 'in', leaf, openssl: undefined, remote: () => undefined })
      if ('refusal' in verdict) throw new Error(verdict.refusal.message)
    }
  }
  const costs = await inTurns(
    {
      repeat,
      sight: (count) => {
        for (let done = 0; done < count; done++) {
          examine(strangers[next++ % strangers.length]!.der, view, 'clientAuth', Date.now())
        }
      },
      again: (count) => {
        for (let done = 0; done < count; done++)
          examine(known[done % known.length]!.der, acquainted, 'clientAuth', Date.now())
      },
      pin: (count) => {
        for (let done = 0; done < count; done++)
          if (!pins.has(hash('sha256', signer.spki, 'base64'))) throw new Error('not pinned')
      },
      scts: (count) => {
        for (let done = 0; done < count; done++)
          if (verifyScts(known[done % known.length]!, check).good.length !== 1) throw new Error('not logged')
      },
    },
    // So many, that most rounds find the code compiled.
    4_000,
  )
  client.destroy()
  server.close()
  const sum = (a: number[], b: number[]) => a.map((micros, round) => micros + b[round]!)
  const { repeat: seen, sight, again, pin, scts } = costs
  return {
    ...{ repeat: seen, pin, first: sum(seen, sight), again: sum(seen, again) },
    loggedAndPinned: sum(scts, pin),
  }
}

async function connected() {
  const current = membership.current()
  const server = createTlsServer({ ...serverContextOptions(current, randomBytes), requestCert: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>
  const pair = { cert: mesh.ca.chainPem(own), key: own.keyPem, ca: view.authorities }
  const client = connect({ host: '127.0.0.1', port, servername: 'lake.service.datapunk', ...pair })
  await once(client, 'secureConnect')
  const [socket] = await accepted
  return { server, client, socket }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}
