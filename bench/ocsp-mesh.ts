import { randomBytes } from 'node:crypto'
import {
  type Certificate,
  certIdOf,
  encodeOcspRequest,
  generateKeyPair,
  localSigner,
  parseCertificate,
} from '@datapunk/pki'
import { TestCa } from '@datapunk/testkit'
import { OcspResponder } from '../packages/authority/responder/ocsp-responder.ts'
import { MemoryStore } from '../packages/authority/store/memory.ts'

/** An issuing CA with that many certificates on record, and whoever answers for it. */
export interface OcspMesh {
  readonly responder: OcspResponder
  readonly store: MemoryStore
  readonly signer: ReturnType<typeof localSigner>
  /** A request about each certificate, without a nonce. */
  readonly requests: readonly Uint8Array[]
  /** The same with a nonce, so that each answer is signed. */
  readonly fresh: readonly Uint8Array[]
}

export async function ocspMesh(count: number): Promise<OcspMesh> {
  const at = Date.now()
  const ca = await TestCa.create({ at })
  const issuer: Certificate = ca.issuing.certificate
  const store = new MemoryStore()
  const serials = Array.from({ length: count }, () => randomBytes(16).fill(0x11, 0, 1).toString('hex'))
  await store.write((transaction) => {
    const slot = { id: 'issuing-ca-1', kind: 'issuing-ca', state: 'active', algorithm: 'ecdsa-p256' } as const
    const key = { spkiHash: 'aa', spki: issuer.spki, certificate: issuer.der, since: at, leftOut: [] }
    transaction.putSlot({ ...slot, ...key })
    for (const serial of serials) {
      const times = { notBefore: at, notAfter: at + 86_400_000, intendedAt: at }
      const what = {
        profile: 'leaf',
        slot: slot.id,
        spkiHash: 'bb',
        instance: undefined,
        tbsHash: 'cc',
      } as const
      transaction.recordIntent({ serial, ...what, ...times, request: '{}' })
      transaction.recordIssued(serial, issuer.der)
    }
  })
  const signer = localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
  const identity = await ca.ocspSigner({ spki: signer.spki })
  const certificate = parseCertificate(identity.der)
  const responder = new OcspResponder({
    ...{ store, clock: () => at, answersLive: 3 * 86_400_000, clockSkew: 300_000 },
    signerOf: () => ({ signer, certificate }),
  })
  const ask = (serial: string, nonce?: Uint8Array) =>
    encodeOcspRequest({ certId: certIdOf({ issuer, serial, hash: 'sha256' }), nonce })
  return {
    ...{ responder, store, signer },
    requests: serials.map((serial) => ask(serial)),
    fresh: serials.map((serial) => ask(serial, randomBytes(32))),
  }
}
