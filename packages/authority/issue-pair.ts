import { encodePem, generateKeyPair } from '@datapunk/pki'
import { PairFolder } from './disk/pair.ts'
import type { Engine } from './engine.ts'
import { activeSlot, certificateOf } from './found.ts'
import { type Issuer, issueLeaf } from './issue.ts'
import { linkFiles, swapOptions } from './place.ts'
import { certificateRequestOf, decodeSettings, encodeRequest } from './settings.ts'
import type { ServiceRow } from './store/contract.ts'

/** How many certificates are made at once: enough to share each commit, few enough to keep memory small. */
const AT_ONCE = 64

/** A certificate that was issued, with the chain its service shows. */
export interface IssuedChain {
  readonly service: string
  readonly instance: string
  /** Lowercase hex. */
  readonly serial: string
  /** Milliseconds since the epoch. */
  readonly notAfter: number
  /** PEM: leaf, then issuing CA. */
  readonly certificate: string
}

export interface Issuance {
  readonly instance: string
  readonly service: ServiceRow
}

/** Opens the issuing key for as long as `use` takes. */
export function withIssuer<Result>(
  engine: Engine,
  use: (issuer: Issuer) => Promise<Result>,
): Promise<Result> {
  const slot = activeSlot(engine, 'issuing-ca')
  const certificate = certificateOf(slot)
  return engine.keys.withSigner(slot, (signer) => use({ slot: slot.id, certificate, signer }))
}

/** Story 1 for an instance whose key lives here, from its key to its event. */
export async function issuePair(
  engine: Engine,
  { instance, service }: Issuance,
  issuer: Issuer,
): Promise<IssuedChain> {
  const { disk, layout, report, clock } = engine
  const settings = decodeSettings(service.settings)
  const request = certificateRequestOf(settings)
  // 2 The key, made where it will live: in this process, and then in the pair folder.
  const { privateKey, publicKey } = await generateKeyPair(request.keyAlgorithm, { rsaBits: settings.keySize })
  // 3 to 8
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const leaf = { instance, spiffeId: service.spiffeId, validityDays: settings.validityDays, spki }
  const issued = await issueLeaf({ ...leaf, request, encodedRequest: encodeRequest(request) }, issuer, engine)
  // 9 Certificate and key swapped in as one pair.
  const certificatePem = chainOf(issued.der, issuer)
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const folder = new PairFolder(layout.instance(instance).dir, disk)
  await folder.swapBeside({ certificatePem, keyPem }, swapOptions(engine, settings))
  linkFiles(engine, settings, instance)
  // 10
  const { serial, notAfter } = issued
  const detail = { instance, serial, notAfter: new Date(notAfter).toISOString() }
  report({ kind: 'certificate-issued', subject: service.service, at: clock(), detail })
  return { service: service.service, instance, serial, notAfter, certificate: certificatePem }
}

/** Issues many, a few at once; one that fails harms none of the others. */
export async function issuePairs(
  engine: Engine,
  issuances: readonly Issuance[],
): Promise<ReadonlyMap<string, Error>> {
  const failed = new Map<string, Error>()
  if (issuances.length === 0) return failed
  await withIssuer(engine, async (issuer) => {
    const waiting = [...issuances].reverse()
    const work = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        try {
          await issuePair(engine, next, issuer)
        } catch (cause) {
          const error = cause instanceof Error ? cause : new Error(String(cause))
          failed.set(next.instance, error)
          const detail = { instance: next.instance, error: error.message }
          engine.report({ kind: 'issue-failed', subject: next.service.service, at: engine.clock(), detail })
        }
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  })
  return failed
}

export function chainOf(leaf: Uint8Array, issuer: Issuer): string {
  return encodePem('CERTIFICATE', leaf) + encodePem('CERTIFICATE', issuer.certificate.der)
}
