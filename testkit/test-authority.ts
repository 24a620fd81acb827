import { EventEmitter, once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type CertStatus, certIdOf, signOcspResponse } from '@datapunk/pki'
import type { TestIdentity } from './test-certificate.ts'
import type { TestMesh } from './test-mesh.ts'

const day = 24 * 60 * 60 * 1000

/** What is said about a certificate; a good answer of three days but for what is said otherwise. */
export interface Answer {
  readonly status?: CertStatus
  /** Milliseconds since the epoch. */
  readonly thisUpdate?: number
  readonly nextUpdate?: number
  /** Who signs it; a delegate of the issuing CA unless told. */
  readonly by?: TestIdentity
}

/**
 * An authority of which only `mesh.sock` is there, and of what it serves only the staples.
 *
 * ```ts
 * const authority = await TestAuthority.start(testMesh)
 * await authority.vouch(testMesh.newestLeaf('lake'))
 * ```
 */
export class TestAuthority extends EventEmitter<{ asked: [serial: string] }> {
  /** What it gives, by serial in lowercase hex; 404 for all others. */
  readonly staples = new Map<string, Uint8Array>()
  /** Takes questions and never answers. */
  isSilent = false
  readonly #testMesh: TestMesh
  readonly #responder: TestIdentity
  readonly #server: Server

  private constructor(testMesh: TestMesh, responder: TestIdentity) {
    super()
    this.#testMesh = testMesh
    this.#responder = responder
    this.#server = createServer((request, response) => {
      const serial = /^\/staples\/([0-9a-f]+)$/.exec(request.url ?? '')?.[1]
      const staple = serial && this.staples.get(serial)
      if (serial) this.emit('asked', serial)
      if (this.isSilent) return
      if (staple) response.setHeader('content-type', 'application/ocsp-response').end(staple)
      else response.writeHead(404).end()
    })
  }

  static async start(testMesh: TestMesh): Promise<TestAuthority> {
    const authority = new TestAuthority(testMesh, await testMesh.ca.ocspSigner())
    authority.#server.listen(testMesh.layout.mesh.socket)
    await once(authority.#server, 'listening')
    return authority
  }

  /** An answer about a certificate, given to nobody. @returns DER */
  sign({ certificate }: TestIdentity, answer: Answer = {}): Promise<Uint8Array> {
    const { ca } = this.#testMesh
    const { status = { kind: 'good' }, thisUpdate = ca.at, by = this.#responder } = answer
    const { nextUpdate = thisUpdate + 3 * day } = answer
    const certId = certIdOf({ issuer: ca.issuing.certificate, serial: certificate.serial, hash: 'sha256' })
    const answers = [{ certId, status, thisUpdate, nextUpdate }]
    return signOcspResponse({ responder: by.certificate, producedAt: thisUpdate, answers }, by.signer)
  }

  /** Gives an answer about a certificate from now on. @returns DER */
  async vouch(leaf: TestIdentity, answer: Answer = {}): Promise<Buffer> {
    const staple = Buffer.from(await this.sign(leaf, answer))
    this.staples.set(leaf.certificate.serial, staple)
    return staple
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}
