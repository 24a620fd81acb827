import type { IncomingMessage, ServerResponse } from 'node:http'
import { endOf, parseCertificate } from '@datapunk/pki'
import {
  type AuthorityMessage,
  compareDocumentNumbers,
  type DocumentNumber,
  encodeMessage,
  MessageReader,
  openAcknowledgement,
  openHello,
  type PeerMessage,
  ProtocolError,
} from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import type { PeerBook, Speaker } from '../engine/peer-book.ts'
import type { AuthorityEvent } from '../events/event.ts'
import type { CertificateRow } from '../store/rows.ts'
import { compareWitnessed } from '../transparency/witnessed.ts'
import type { AcknowledgementLog } from './acknowledgement-log.ts'
import { isAheadOfUs } from './ahead.ts'
import type { Published } from './announcement.ts'
import type { EventBudget } from './event-budget.ts'
import type { InstanceStreams, KnownStream } from './instance-streams.ts'
import { MessageBudget } from './message-budget.ts'

export type Streaming = Pick<Engine, 'store' | 'clock' | 'randomBytes' | 'report' | 'staple' | 'logSeat'> & {
  readonly peers: PeerBook
  readonly published: () => Published
  readonly acknowledgements: AcknowledgementLog
  readonly streams: InstanceStreams
  /** Of what peers and strangers are told of. */
  readonly events: EventBudget
  /** Told what shows that this inventory is not the newest of its mesh. */
  readonly halt: (evidence: string) => void
}

/** A peer that lets more than this pile up reads too slowly to be served; it comes again. Bytes. */
const MAX_UNSENT = 4 * 1024 * 1024

/** What a peer says of a log is more than a document that it did not believe. */
const ALARMS: ReadonlySet<string> = new Set(['LOG_CONTRADICTION', 'MISISSUED', 'NOT_IN_LOG'])

/** One peer's stream, from its hello to its end. Whatever it says wrong ends it; it harms nobody else. */
export class PeerStream implements KnownStream {
  readonly #streaming: Streaming
  readonly #response: ServerResponse
  readonly #budget: MessageBudget
  readonly #nonce: string
  readonly #meshId: string | undefined
  /** The instance whose certificate was shown, where one was: nobody else may speak here. */
  readonly #shown: string | undefined
  #peer: string | undefined
  #instance = ''
  #service = ''
  #leaving = false
  /** Of the certificate it signed with last: it signs with few. */
  #key: { readonly serial: string; readonly spki: Uint8Array } | undefined
  /** What it has by now, as far as was sent or said. */
  #trustStatement: DocumentNumber = { generation: 0, counter: 0 }
  #bundle: DocumentNumber = { generation: 0, counter: 0 }

  /** Told that it is no stranger any more. */
  readonly #known: () => void

  constructor(
    streaming: Streaming,
    response: ServerResponse,
    { shown, known }: { readonly shown: string | undefined; readonly known: () => void },
  ) {
    this.#streaming = streaming
    this.#response = response
    this.#shown = shown
    this.#known = known
    this.#budget = new MessageBudget(streaming.clock)
    this.#meshId = streaming.store.mesh()?.meshId
    this.#nonce = Buffer.from(streaming.randomBytes(32)).toString('hex')
  }

  get instance(): string {
    return this.#instance
  }

  get peer(): string | undefined {
    return this.#peer
  }

  /** Whoever has any certificate of this mesh may speak; what people are to act on, they hear from members only. */
  get isMember(): boolean {
    const { store, clock } = this.#streaming
    const { serial, revoked } = this.#speaker()
    const notAfter = this.#certificate(serial)?.notAfter ?? 0
    const service = store.services().find((row) => row.service === this.#service)
    return !revoked && clock() < endOf(notAfter) && service?.state === 'member'
  }

  /** Reads until the peer ends, or says something that is not understood. */
  async run(request: IncomingMessage): Promise<void> {
    const { peers, streams } = this.#streaming
    this.#response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    this.#send({ type: 'challenge', nonce: this.#nonce })
    const reader = MessageReader.ofPeer()
    try {
      for await (const chunk of request) if (!this.#hear(reader, chunk as Uint8Array)) break
    } catch {
      // A connection that broke is no news.
    } finally {
      this.#response.destroy()
      const hasAnother = streams.leave(this)
      const hasLeft = this.#leaving || !hasAnother
      if (this.#peer !== undefined && hasLeft && peers.left(this.#peer, this.#leaving))
        this.#streaming.acknowledgements.left(this.#instance)
    }
  }

  /** @returns whether it may go on; where it may not, the reason was told */
  #hear(reader: MessageReader<PeerMessage>, chunk: Uint8Array): boolean {
    try {
      for (const message of reader.read(chunk)) {
        this.#budget.spend()
        this.#take(message)
      }
      return true
    } catch (error) {
      if (error instanceof ProtocolError) this.#tellRefused(error.code, error.message)
      else this.#tellFault(error)
      return false
    }
  }

  /** The peer has done nothing wrong: this is a fault of ours, or of the disk. */
  #tellFault(error: unknown): void {
    const { name, message, code } = error as Error & { readonly code?: string }
    this.#tellRefused(
      code ?? name,
      `what the peer said could not be taken, through no fault of its own: ${message}`,
    )
  }

  /** Sends what is published now and the peer has not got. */
  push(): void {
    if (this.#peer === undefined) return
    const { trustStatements, bundle, announcement } = this.#streaming.published()
    for (const row of trustStatements) {
      if (compareDocumentNumbers(row, this.#trustStatement) <= 0) continue
      this.#trustStatement = row
      this.#send({ type: 'trust-statement', document: row.bytes })
    }
    if (bundle === undefined || announcement === undefined) return
    if (compareDocumentNumbers(bundle, this.#bundle) <= 0) return
    const { head, ahead } = announcement
    const hasTheOneBefore = ahead !== undefined && compareDocumentNumbers(ahead.of, this.#bundle) === 0
    this.#bundle = bundle
    this.#write(hasTheOneBefore ? ahead.sectionsAndHead : head)
  }

  #take(message: PeerMessage): void {
    const { peers } = this.#streaming
    if (message.type === 'hello') this.#greet(message)
    else if (this.#peer === undefined)
      throw new ProtocolError('MESSAGE_INVALID', `a stream began with ${message.type}`)
    else if (message.type === 'acknowledgement') this.#acknowledge(message.document)
    else if (message.type === 'report') {
      peers.reported(this.#peer, message.report)
      this.#send({ type: 'heard' })
    } else if (message.type === 'refusal') {
      peers.refused(this.#peer, message)
      if (ALARMS.has(message.rule)) this.#raiseAlarm(message)
    } else this.#leaving = true
  }

  #raiseAlarm({ rule, message }: PeerMessage & { type: 'refusal' }): void {
    const { clock } = this.#streaming
    if (this.isMember) {
      const detail = { instance: this.#instance, rule, message }
      this.#report({ kind: 'log-alarm', subject: this.#service, at: clock(), detail })
      return
    }
    const error = `found an alarm (${rule}) by the certificate ${this.#key?.serial} of ${this.#instance}, which is revoked, has ended, or is of no member; allowed: those of members, by a certificate that is good`
    this.#tellRefused('ALARM_NOT_A_MEMBER', error)
  }

  #tellRefused(code: string, error: string): void {
    const detail = { code, error, instance: this.#instance || undefined }
    const at = this.#streaming.clock()
    this.#report({ kind: 'peer-refused', subject: this.#service || 'mesh', at, detail })
  }

  /** Nobody fills the log, and strangers don't use up what a member may say. */
  readonly #report = (event: AuthorityEvent): void => {
    if (this.#streaming.events.take(this.#instance)) this.#streaming.report(event)
  }

  #greet({ document, head, trust }: PeerMessage & { type: 'hello' }): void {
    const { store, peers, streams, halt, acknowledgements } = this.#streaming
    // It needs no hello to stand behind it: an inventory that was rolled back may not know whose hello this is.
    const evidence = head && isAheadOfUs(store, head, trust)
    if (evidence !== undefined) halt(`a peer showed ${evidence}`)
    const hello = openHello(document, this.#keyOf)
    if (this.#peer !== undefined || hello.nonce !== this.#nonce || hello.meshId !== this.#meshId) {
      throw new ProtocolError(
        'MESSAGE_INVALID',
        'found a hello for another stream or another mesh; allowed: one that answers this stream’s challenge, of this mesh',
      )
    }
    const { instance, service } = this.#speakerOf(hello.serial)
    if (this.#shown !== undefined && this.#shown !== instance) {
      throw new ProtocolError(
        'MESSAGE_INVALID',
        `found a hello of ${instance} on a connection of ${this.#shown}; allowed: that of the instance whose certificate was shown`,
      )
    }
    this.#instance = instance
    this.#service = service
    const most = streams.enter(this)
    if (most !== undefined) {
      throw new ProtocolError(
        'MESSAGE_INVALID',
        `found one more stream of ${instance}; allowed: ${most} at once, by as many processes`,
      )
    }
    this.#peer = hello.peer
    this.#known()
    this.#trustStatement = hello.trustStatement
    this.#bundle = hello.bundle
    const by = this.#speaker()
    peers.arrived({ peer: hello.peer, service, instance, version: hello.version, ...by })
    acknowledgements.came(instance)
    this.push()
  }

  #acknowledge(document: Uint8Array): void {
    const { peers, clock, acknowledgements } = this.#streaming
    const said = openAcknowledgement(document, this.#keyOf)
    const { bundle: newest, digest } = this.#streaming.published()
    if (said.peer !== this.#peer || said.meshId !== this.#meshId || newest === undefined) {
      throw new ProtocolError('MESSAGE_INVALID', 'found an acknowledgement of another peer or mesh')
    }
    const order = compareDocumentNumbers(said.number, newest)
    if (order > 0 || (order === 0 && said.digest !== digest)) {
      throw new ProtocolError(
        'BUNDLE_FORKED',
        `found an acknowledgement of a bundle ${said.number.generation}.${said.number.counter} that was never published here`,
      )
    }
    peers.acknowledged(said.peer, { ...said, revoked: this.#speaker().revoked })
    const speaker = { instance: this.#instance, service: this.#service }
    if (this.isMember)
      void compareWitnessed({ ...this.#streaming, report: this.#report }, speaker, said.checkpoints)
    const { number, trustStatement, serial } = said
    acknowledgements.add({
      ...{ instance: this.#instance, ...number, trustStatement, serial, at: clock(), document },
      leftAt: undefined,
    })
  }

  /**
   * Whoever holds the key of a certificate that was issued to an instance speaks for it, also when that has expired, or was
   * revoked: what it says is noted, and nobody waits for it. After the hello nobody speaks here for another instance.
   */
  readonly #keyOf = (serial: string): Uint8Array | undefined => {
    if (this.#key?.serial !== serial) {
      const row = this.#certificate(serial)
      if (row === undefined) return undefined
      if (this.#instance !== '' && row.instance !== this.#instance) {
        throw new ProtocolError(
          'MESSAGE_INVALID',
          `found what ${row.instance} says on a stream of ${this.#instance}; allowed: what the instance says that said hello`,
        )
      }
      this.#key = { serial, spki: parseCertificate(row.der!).spki }
    }
    return this.#key.spki
  }

  #certificate(serial: string): CertificateRow | undefined {
    const row = this.#streaming.store.certificate(serial)
    return row?.der !== undefined && row.profile === 'leaf' ? row : undefined
  }

  #speaker(): Speaker {
    const { serial = '' } = this.#key ?? {}
    return { serial, revoked: this.#streaming.store.revocation(serial) !== undefined }
  }

  #speakerOf(serial: string): { instance: string; service: string } {
    const id = this.#certificate(serial)?.instance
    const row = this.#streaming.store.instances().find((instance) => instance.id === id)
    if (row !== undefined) return { instance: row.id, service: row.service }
    throw new ProtocolError('MESSAGE_INVALID', 'found a hello of no instance of this mesh')
  }

  #send(message: AuthorityMessage): void {
    this.#write(encodeMessage(message))
  }

  #write(lines: string | Uint8Array): void {
    this.#response.write(lines)
    if (this.#response.writableLength > MAX_UNSENT) this.#response.destroy()
  }
}
