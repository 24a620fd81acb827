import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { createCsr, encodeName, encodePem, generateKeyPair, localSigner } from '@datapunk/pki'
import type { ConsoleSession } from '@datapunk/protocol/console'
import type { MeshFolder } from './mesh-folder.ts'
import { mtls } from './mtls.ts'

/** PEM: a chain, and the key of its first certificate. */
export interface Pair {
  readonly cert: string
  readonly key: string
}

/** Asks `mtls` for the certificate of an operator, as that operator does. */
export async function operatorPair(mesh: MeshFolder, operator: string): Promise<Pair> {
  const { privateKey } = await generateKeyPair('ecdsa-p256')
  const signer = localSigner(privateKey)
  const csr = await createCsr({ subject: encodeName({ commonName: operator }), signer, dnsNames: [] })
  const file = join(mesh.folder, `${operator}.csr`)
  writeFileSync(file, encodePem('CERTIFICATE REQUEST', csr))
  const args = ['issue', '--operator', operator, '--csr', file, '--config', mesh.configFile]
  const { code, stdout, stderr } = await mtls(args)
  if (code !== 0) throw new Error(stderr)
  return { cert: stdout, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
}

/** A browser without a window, with a certificate to show; its requests share a connection. */
export class OperatorBrowser {
  readonly #url: URL
  readonly #agent: Agent
  session = ''

  /** @param url as the console says it; its name leads to this machine */
  constructor(mesh: MeshFolder, url: string, pair: Pair | undefined) {
    this.#url = new URL(url)
    const ca = readFileSync(mesh.caCert)
    this.#agent = new Agent({ ...pair, ca, keepAlive: true, maxSockets: 1, maxCachedSessions: 0 })
  }

  async logIn(): Promise<ConsoleSession> {
    const session = await this.post<ConsoleSession>('/api/session', {})
    this.session = session.session
    return session
  }

  /** @throws where it is closed without a word */
  ask(path: string, body?: object, agent = this.#agent): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const { hostname, host, port, origin } = this.#url
    const sent = request({
      ...{ agent, host: '127.0.0.1', port, servername: hostname, path },
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        host,
        ...(this.session && { authorization: `Bearer ${this.session}` }),
        ...(body && { origin, 'content-type': 'application/json' }),
      },
    })
    sent.on('response', resolve).on('error', reject)
    sent.end(body && JSON.stringify(body))
    return promise
  }

  /** Over a connection of its own, which stays open. */
  stream(): Promise<IncomingMessage> {
    return this.ask('/api/stream', undefined, new Agent({ ...this.#agent.options, keepAlive: false }))
  }

  async get<Result>(path: string): Promise<Result> {
    return read(await this.ask(path))
  }

  async post<Result>(path: string, body: object): Promise<Result> {
    return read(await this.ask(path, body))
  }

  close(): void {
    this.#agent.destroy()
  }
}

async function read<Result>(answer: IncomingMessage): Promise<Result> {
  return JSON.parse(Buffer.concat(await answer.toArray()).toString()) as Result
}
