import { once } from 'node:events'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { generateKeyPair, localSigner, type Signer } from '@datapunk/pki'
import { layoutOf } from '@datapunk/protocol'
import { freePort } from '@datapunk/testkit'
import { CircuitBreaker } from '../circuit-breaker.ts'
import { HttpLog } from '../http-log.ts'
import { logServer } from '../serving/log-server.ts'
import type { TransparencyLog, TransparencyLogOptions } from '../transparency-log.ts'
import { LogMesh } from './log-mesh.ts'

/** A log that stands alone, over HTTP, and an authority that may submit to it. */
export class ServedLog {
  readonly logMesh: LogMesh
  readonly options: Pick<TransparencyLogOptions, 'layout' | 'url' | 'meshId' | 'generation'>
  /** The authority's bundle key, which the trust statement names. */
  signer: Signer
  /** Why requests were not answered as they wanted. */
  readonly refused: unknown[] = []
  /** How long a request may take to arrive, milliseconds, from the next `open` on. */
  patience = 10_000
  log!: TransparencyLog
  #server!: Server

  private constructor(logMesh: LogMesh, signer: Signer, port: number) {
    this.logMesh = logMesh
    this.signer = signer
    const { mesh } = logMesh.mesh.layout
    const { logsDir, log } = layoutOf({ authority: { state: join(logMesh.mesh.folder, 'alone') } })
    const url = `http://127.0.0.1:${port}/log`
    this.options = { layout: { mesh, logsDir, log }, url, meshId: undefined, generation: undefined }
  }

  static async start(): Promise<ServedLog> {
    const logMesh = await LogMesh.create()
    const signer = await newSigner()
    await logMesh.mesh.trust({ bundleKeys: [signer.spki] })
    const served = new ServedLog(logMesh, signer, await freePort())
    await served.open()
    return served
  }

  /** @param fresh another log takes its place */
  async open(fresh = false): Promise<void> {
    const { layout } = this.options
    this.log = await this.logMesh.open({ ...this.options, fresh })
    const clock = () => this.logMesh.now
    const onRefused = (error: unknown) => this.refused.push(error)
    this.#server = logServer({
      log: this.log,
      layout,
      clock,
      clockSkew: 1000,
      onRefused,
      patience: this.patience,
    })
    await once(this.#server.listen(Number(URL.parse(this.url)?.port), '127.0.0.1'), 'listening')
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.log.close()
  }

  /** As the log names itself. */
  get url(): string {
    return `http://${this.log.origin}`
  }

  /** As the authority has it. @param answerWithin milliseconds */
  reached(url = this.url, answerWithin?: number): Promise<HttpLog> {
    const { meshId } = this.logMesh.mesh
    const clock = () => this.logMesh.now
    const breaker = new CircuitBreaker(clock, answerWithin)
    return HttpLog.open({ url, meshId, clock, breaker, asAuthority: (use) => use(this.signer) })
  }

  async remove(): Promise<void> {
    await this.close()
    await this.logMesh.remove()
  }
}

export async function newSigner(): Promise<Signer> {
  return localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
}
