import {
  type CertId,
  type Certificate,
  type CertStatus,
  certIdOf,
  isAboutIssuer,
  type OcspRequest,
  ocspErrorResponse,
  PkiError,
  parseOcspRequest,
  type Signer,
  signOcspResponse,
} from '@datapunk/pki'
import { caCertificate } from '../engine/ca-certificate.ts'
import { PKI_REASONS } from '../revoked/pki-reasons.ts'
import type { Reader } from '../store/contract.ts'
import type { SlotRow } from '../store/rows.ts'
import { wholeSeconds } from '../time.ts'
import { latestTime } from '../timing/issued-ahead.ts'

/** An answer, and for how long it may be kept. */
export interface OcspReply {
  readonly der: Uint8Array
  /**
   * Milliseconds since the epoch; absent for what is for nobody else: errors, answers with a nonce, and those of what is not on
   * record, as it may be a moment later.
   */
  readonly times: { readonly thisUpdate: number; readonly nextUpdate: number } | undefined
}

/** A key that answers for one issuing CA. */
export interface OcspSigner {
  readonly signer: Signer
  readonly certificate: Certificate
}

export interface OcspResponderOptions {
  readonly store: Reader
  readonly clock: () => number
  /** Undefined, or soon undefined, where there is none. */
  readonly signerOf: (slot: string) => OcspSigner | Promise<OcspSigner | undefined> | undefined
  /** Milliseconds. */
  readonly answersLive: number
  readonly clockSkew: number
}

/** Some 1 kB each. */
const MAX_KEPT = 20_000

/** Of an answer that is kept: a question, or a staple's two. */
const MAX_KEPT_QUESTIONS = 2

/** How long it is `unknown` what is not on record: a precertificate is in the log before its certificate is signed. Milliseconds. */
const UNKNOWN_LIVES = 60_000

/** Whoever asks about many at once can ask again. */
const MAX_QUESTIONS = 16

/** Of an answer's life: from then on another is signed. */
const RENEWED_AT = 0.5

interface Kept extends OcspReply {
  readonly renewAt: number
}

/** Answers OCSP requests by what is on record (RFC 6960, 9919, 9654). Answers are signed when first asked for, and kept. */
export class OcspResponder {
  readonly #options: OcspResponderOptions
  /** Another one since anything changed: an answer that was begun before that is kept where nobody looks any more. */
  #kept = new Map<string, Kept>()
  #issuers: { slot: SlotRow; certificate: Certificate }[] = []

  constructor(options: OcspResponderOptions) {
    this.#options = options
    this.forget()
  }

  /** What was signed before may be untrue now. */
  forget(): void {
    this.#kept = new Map()
    this.#issuers = issuersIn(this.#options.store)
  }

  /** Never rejects: what can't be answered is an answer too. @param der DER OCSPRequest, or what pretends to be one */
  async answer(der: Uint8Array): Promise<OcspReply> {
    try {
      return await this.#answer(parseOcspRequest(der))
    } catch (error) {
      if (!(error instanceof PkiError)) return failure('internalError')
      return failure(error.code === 'OCSP_HASH_UNSUPPORTED' ? 'unauthorized' : 'malformedRequest')
    }
  }

  /**
   * What a server staples to its certificate; undefined where there is nothing to say of it. It names the certificate twice,
   * because curl looks for it by SHA-1 only (RFC 9919 3.2.1).
   */
  async staple(serial: string): Promise<Uint8Array | undefined> {
    const slot = this.#options.store.certificate(serial)?.slot
    const issuer = this.#issuers.find((one) => one.slot.id === slot)
    if (issuer === undefined) return undefined
    const certIds = (['sha256', 'sha1'] as const).map((hash) =>
      certIdOf({ issuer: issuer.certificate, serial, hash }),
    )
    const { der, times } = await this.#answer({ certIds, nonce: undefined })
    return times && der
  }

  async #answer({ certIds, nonce }: OcspRequest): Promise<OcspReply> {
    const [first] = certIds
    const issuer = first && this.#issuers.find(({ certificate }) => isAboutIssuer(first, certificate))
    const isOneIssuers =
      issuer !== undefined && certIds.every((certId) => isAboutIssuer(certId, issuer.certificate))
    // RFC 6960 2.3: it is not for us to say.
    if (!isOneIssuers || certIds.length > MAX_QUESTIONS) return failure('unauthorized')
    const found = this.#options.signerOf(issuer.slot.id)
    const signer = found instanceof Promise ? await found : found
    if (signer === undefined) return failure('tryLater')
    const now = this.#options.clock()
    const key = nonce === undefined && certIds.length <= MAX_KEPT_QUESTIONS ? keyOf(certIds) : ''
    const answers = this.#kept
    const kept = answers.get(key)
    if (kept !== undefined && now < kept.renewAt && !this.#isMadeAhead(kept, now)) return kept
    const reply = await this.#sign(certIds, { issuer, signer, nonce, now })
    if (key !== '') keep(answers, key, reply)
    return reply
  }

  async #sign(
    certIds: readonly CertId[],
    {
      issuer,
      signer,
      nonce,
      now,
    }: { issuer: { slot: SlotRow }; signer: OcspSigner; nonce: Uint8Array | undefined; now: number },
  ): Promise<OcspReply> {
    const { clockSkew, answersLive } = this.#options
    const thisUpdate = wholeSeconds(now - clockSkew)
    const statuses = certIds.map(({ serial }) => this.#statusOf(serial, issuer.slot, thisUpdate))
    const isPassing = statuses.some(({ kind }) => kind === 'unknown')
    const end = now + (isPassing ? UNKNOWN_LIVES : answersLive)
    const nextUpdate = wholeSeconds(Math.min(end, signer.certificate.notAfter))
    const times = { thisUpdate, nextUpdate }
    const answers = certIds.map((certId, nth) => ({ certId, status: statuses[nth]!, ...times }))
    const request = { responder: signer.certificate, producedAt: wholeSeconds(now), answers, nonce }
    const der = await signOcspResponse(request, signer.signer)
    return { der, times: nonce === undefined && !isPassing ? times : undefined }
  }

  /**
   * Never `good` for what was not issued: an intent is no certificate, nor is what another CA has signed. Nor was anything revoked
   * later than it is known to be (RFC 6960 2.4): whoever’s clock is late believes a certificate until then.
   */
  #statusOf(serial: string, { id }: SlotRow, thisUpdate: number): CertStatus {
    const { store } = this.#options
    const row = store.certificate(serial)
    if (row === undefined || row.slot !== id) return { kind: 'unknown' }
    const revocation = store.revocation(serial)
    if (revocation !== undefined)
      return {
        kind: 'revoked',
        at: Math.min(revocation.at, thisUpdate),
        reason: PKI_REASONS[revocation.reason],
      }
    return row.state === 'issued' ? { kind: 'good' } : { kind: 'unknown' }
  }

  /** What clocks may differ by was taken off when it was made. */
  #isMadeAhead({ times }: Kept, now: number): boolean {
    if (times === undefined || times.thisUpdate <= now) return false
    const { store, clock, clockSkew } = this.#options
    return times.thisUpdate + clockSkew > latestTime({ store, clock, config: { authority: { clockSkew } } })
  }
}

function keep(answers: Map<string, Kept>, key: string, reply: OcspReply): void {
  const { times } = reply
  if (times === undefined) return
  if (answers.size >= MAX_KEPT) answers.delete(answers.keys().next().value as string)
  const renewAt = times.thisUpdate + RENEWED_AT * (times.nextUpdate - times.thisUpdate)
  answers.set(key, { ...reply, renewAt })
}

/** Issuing CAs whose leaves somebody may ask about. */
export function issuersIn(store: Reader): { slot: SlotRow; certificate: Certificate }[] {
  return store.slots().flatMap((slot) => {
    const answers = slot.kind === 'issuing-ca' && (slot.state === 'active' || slot.state === 'retiring')
    return answers && slot.certificate ? [{ slot, certificate: caCertificate(slot.certificate) }] : []
  })
}

function keyOf(certIds: readonly CertId[]): string {
  return Buffer.concat(certIds.map(({ der }) => der)).toString('latin1')
}

function failure(status: Parameters<typeof ocspErrorResponse>[0]): OcspReply {
  return { der: ocspErrorResponse(status), times: undefined }
}
