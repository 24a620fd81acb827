import { createPrivateKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { localSigner, type Signer } from '@datapunk/pki'
import { encodeMessage, type Hello, sealHello } from '@datapunk/protocol'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { servePeers } from '../peers/serve-peers.ts'
import { testEngine } from './test-engine.ts'

/** A stream to an authority that was answered. */
export interface OpenStream {
  readonly asked: ClientRequest
  readonly ended: Promise<unknown>
  readonly nonce: string
  /** What its hello names, where that is another than the authority's. */
  readonly meshId?: string
}

/** An authority of the services lake and stream whose socket can be spoken to without a mesh. */
export class PeerSocket {
  readonly engine: ReturnType<typeof testEngine>
  readonly clock: FixedClock
  readonly path: string
  /** Of lake's certificate. */
  serial = ''

  static async served(t: TestContext, maxStrangers?: number, maxStreams?: number): Promise<PeerSocket> {
    const dir = mkdtempSync(join(tmpdir(), 'peer-socket-'))
    atEnd(t, () => rmSync(dir, { recursive: true }))
    const served = new PeerSocket(dir)
    const { engine, path: socket } = served
    await apply(engine, { approve: () => true })
    served.serial = served.serialOf('lake')
    engine.events.length = 0
    const server = await servePeers(
      { ...engine, halt: () => {}, readElsewhere: undefined },
      { socket, listen: undefined, maxStrangers, maxStreams, checkPlace: () => {} },
    )
    atEnd(t, () => server.close())
    return served
  }

  private constructor(dir: string) {
    this.clock = new FixedClock(Date.now())
    this.engine = testEngine({ dir, clock: this.clock, config: { services: { lake: {}, stream: {} } } })
    this.path = this.engine.layout.mesh.socket
  }

  serialOf(service: string): string {
    return this.engine.store.currentCertificates().find(({ instance }) => instance === service)!.serial
  }

  signerOf(service: string): Signer {
    return localSigner(createPrivateKey(readFileSync(this.engine.config.services.get(service)!.key, 'utf8')))
  }

  async stream(): Promise<OpenStream> {
    const asked = request({ socketPath: this.path, path: '/stream', method: 'POST', agent: false })
    const ended = new Promise((resolve) => asked.once('close', resolve))
    asked.on('error', () => {})
    asked.flushHeaders()
    const [response] = await once(asked, 'response')
    response.on('error', () => {})
    const [line] = await once(response, 'data')
    return { asked, ended, nonce: JSON.parse(String(line)).nonce }
  }

  /** That whoever speaks is lake, and what it has. */
  async hello(
    { nonce, meshId }: Pick<OpenStream, 'nonce' | 'meshId'>,
    peer: string,
    says: Partial<Hello> = {},
  ): Promise<Uint8Array> {
    const number = { generation: 1, counter: 1 }
    const hello = {
      ...{ nonce, meshId: meshId ?? this.engine.store.mesh()!.meshId, peer, version: '1' },
      ...{ serial: this.serial, formats: [1], trustStatement: number, bundle: number, ...says },
    }
    return sealHello(hello, this.signerOf('lake'))
  }

  /** Says hello as lake. @returns what it names itself, when it is believed, or its stream has ended */
  async greet(stream: OpenStream, peer = randomBytes(16).toString('hex')): Promise<string> {
    const { asked } = stream
    const known = () => this.engine.peers.live().find((one) => one.peer === peer)
    const before = known()
    asked.write(encodeMessage({ type: 'hello', document: await this.hello(stream, peer) }))
    while (known() === before && !asked.destroyed) await setImmediate()
    return peer
  }
}
