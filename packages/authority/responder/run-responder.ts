import type { AddressInfo } from 'node:net'
import { generateKeyPair, localSigner, parseCertificate } from '@datapunk/pki'
import { layoutOf } from '@datapunk/protocol'
import { SqliteStore } from '../store/sqlite.ts'
import { isMadeAhead, latestTime } from '../timing/issued-ahead.ts'
import { LogShelf } from './log-shelf.ts'
import type { FromResponder, ResponderOptions, ToResponder } from './messages.ts'
import { issuersIn, OcspResponder, type OcspSigner } from './ocsp-responder.ts'
import { statusServer } from './status-server.ts'

/** The authority at the other end. */
export interface ResponderChannel {
  send(message: FromResponder): void
  onMessage(listener: (message: ToResponder) => void): void
}

/** Every client must verify it: what RFC 8446 section 9.1 makes all TLS 1.3 support. */
const KEY_ALGORITHM = 'ecdsa-p256'

/** Of a signer's life: from then on it makes another. */
const RENEWED_AT = 0.5

/** Whoever asks before the first signer of a CA is certified waits so long for it. Milliseconds. */
const PATIENCE = 3_000

/** How often it looks for signers that grow old, and tries again to listen. Milliseconds. */
const LOOK_EVERY = 10_000

/**
 * The process that answers for the authority: lists, certificates of CAs, OCSP and staples. It reads the inventory and holds no
 * key but its own, which it makes in memory, one for each issuing CA; the authority certifies them for 30 days.
 */
export function runResponder(channel: ResponderChannel, clock: () => number): void {
  channel.onMessage((message) => {
    if (message.type === 'start') new StatusService(channel, clock, message)
  })
}

class StatusService {
  readonly #channel: ResponderChannel
  readonly #clock: () => number
  readonly #store: SqliteStore
  readonly #clockSkew: number
  readonly #ocsp: OcspResponder
  readonly #signers = new Map<string, OcspSigner>()
  /** Keys whose certificates were asked for; undefined where the key is still being made. */
  readonly #coming = new Map<string, OcspSigner['signer'] | undefined>()
  /** Of CAs that have no signer yet. */
  readonly #firsts = new Map<string, PromiseWithResolvers<OcspSigner | undefined>>()

  constructor(channel: ResponderChannel, clock: () => number, options: ResponderOptions) {
    const { inventory, answersLive, clockSkew } = options
    this.#channel = channel
    this.#clock = clock
    this.#clockSkew = clockSkew
    const store = SqliteStore.open({ file: inventory, readOnly: true })
    this.#store = store
    const signerOf = (slot: string) => this.#signers.get(slot) ?? this.#firsts.get(slot)?.promise
    this.#ocsp = new OcspResponder({ store, clock, signerOf, answersLive, clockSkew })
    channel.onMessage((message) => this.#take(message))
    this.#listen(options)
    this.#renewSigners()
    setInterval(() => this.#renewSigners(), LOOK_EVERY)
  }

  #take(message: ToResponder): void {
    if (message.type === 'signer') this.#certified(message.slot, Buffer.from(message.certificate, 'base64'))
    else if (message.type === 'staple') void this.#staple(message)
    else if (message.type === 'changed') {
      this.#ocsp.forget()
      this.#renewSigners()
    }
  }

  async #staple({ id, serial }: Extract<ToResponder, { type: 'staple' }>): Promise<void> {
    const der = await this.#ocsp.staple(serial)
    const response = der === undefined ? null : Buffer.from(der).toString('base64')
    this.#channel.send({ type: 'stapled', id, response })
  }

  /** Another process may have the port now; whoever asks meanwhile asks in vain, and peers go by the bundle. */
  #listen({ host, port, state, publicUrl }: ResponderOptions): void {
    const { store: reader, ocsp, clock } = { store: this.#store, ocsp: this.#ocsp, clock: this.#clock }
    const logs = new LogShelf({ store: reader, layout: layoutOf({ authority: { state } }), publicUrl })
    const server = statusServer({ store: reader, ocsp, logs, clock })
    let told = false
    server.on('error', (error) => {
      if (!told) this.#channel.send({ type: 'not-listening', message: error.message })
      told = true
      setTimeout(() => server.listen({ host, port }), LOOK_EVERY)
    })
    server.on('listening', () => {
      told = false
      this.#channel.send({ type: 'listening', port: (server.address() as AddressInfo).port })
    })
    server.listen({ host, port })
  }

  /** A key for each issuing CA, and the next one long before its certificate ends, or once that is of the future. */
  #renewSigners(): void {
    const [store, clock] = [this.#store, this.#clock]
    const now = clock()
    const latest = latestTime({ store, clock, config: { authority: { clockSkew: this.#clockSkew } } })
    for (const issuer of issuersIn(store)) {
      const { id } = issuer.slot
      const certificate = this.#signers.get(id)?.certificate
      const isGood =
        certificate !== undefined &&
        now < certificate.notBefore + RENEWED_AT * (certificate.notAfter - certificate.notBefore) &&
        !isMadeAhead(certificate, issuer.certificate, latest)
      if (!isGood && !this.#coming.has(id)) void this.#askFor(id)
    }
  }

  async #askFor(slot: string): Promise<void> {
    if (!this.#signers.has(slot)) this.#awaitFirst(slot)
    this.#coming.set(slot, undefined)
    const { privateKey } = await generateKeyPair(KEY_ALGORITHM, { rsaBits: 2048 })
    const signer = localSigner(privateKey)
    this.#coming.set(slot, signer)
    this.#channel.send({ type: 'certify', slot, spki: Buffer.from(signer.spki).toString('base64') })
    // Where no answer comes, another key is made at a later look.
    setTimeout(() => this.#coming.get(slot) === signer && this.#coming.delete(slot), LOOK_EVERY * 3)
  }

  #awaitFirst(slot: string): void {
    const first = Promise.withResolvers<OcspSigner | undefined>()
    this.#firsts.set(slot, first)
    setTimeout(() => {
      first.resolve(undefined)
      if (this.#firsts.get(slot) === first) this.#firsts.delete(slot)
    }, PATIENCE)
  }

  #certified(slot: string, der: Uint8Array): void {
    const signer = this.#coming.get(slot)
    const certificate = parseCertificate(der)
    if (signer === undefined || Buffer.compare(signer.spki, certificate.spki) !== 0) return
    this.#coming.delete(slot)
    this.#signers.set(slot, { signer, certificate })
    this.#firsts.get(slot)?.resolve({ signer, certificate })
    this.#ocsp.forget()
  }
}
