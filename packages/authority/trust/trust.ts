import { isDeepStrictEqual } from 'node:util'
import type { Certificate, Signer } from '@datapunk/pki'
import {
  type DocumentNumber,
  formatDocumentNumber,
  readTrustStatement,
  sealTrustStatement,
  type TrustedLog,
  type TrustStatement,
} from '@datapunk/protocol'
import { caCertificate } from '../engine/ca-certificate.ts'
import { slotInUse } from '../engine/slots.ts'
import { namedLogs } from '../scts/crowded-logs.ts'
import type { Reader, Store } from '../store/contract.ts'
import { keptPer } from '../store/kept-answer.ts'
import type { SlotRow } from '../store/rows.ts'

/** The certificates and keys that peers are to trust, by their slots. */
export interface TrustedSlots {
  readonly roots: readonly Certificate[]
  readonly issuingCas: readonly Certificate[]
  readonly bundleKeys: readonly Uint8Array[]
  readonly logs: readonly TrustedLog[]
}

/**
 * What peers are to trust: also what is only prepared, once it has a certificate, because a CA signs nothing before every
 * peer knows it (story 5).
 */
export function trustedSlots(reader: Reader): TrustedSlots {
  const slots = reader.slots()
  return keptTrusted(reader).of([slots], () => trustedAmong(slots))
}

const keptTrusted = keptPer<TrustedSlots>()

function trustedAmong(slots: readonly SlotRow[]): TrustedSlots {
  const trusted = (kind: SlotRow['kind']) =>
    slots.filter((slot) => slot.kind === kind && slot.state !== 'retired' && slot.state !== 'compromised')
  const certificates = (kind: SlotRow['kind']) =>
    trusted(kind).flatMap(({ certificate }) =>
      certificate === undefined ? [] : [caCertificate(certificate)],
    )
  const named = namedLogs(slots)
  return {
    roots: certificates('root'),
    issuingCas: certificates('issuing-ca'),
    bundleKeys: trusted('bundle-key').map((slot) => slot.spki),
    logs: slots.flatMap(({ id, spki, origin }) => (named.has(id) ? [{ spki, origin: origin! }] : [])),
  }
}

/** Whether the newest trust statement says what the slots say. */
export function isTrustStatementCurrent(reader: Reader): boolean {
  const newest = reader.trustStatements().at(-1)
  if (newest === undefined) return false
  const meant = trustedSlots(reader)
  return keptCurrent(reader).of([newest, meant], () => isSaidIn(newest.bytes, meant))
}

const keptCurrent = keptPer<boolean>()

function isSaidIn(statement: Uint8Array, meant: TrustedSlots): boolean {
  const said = readTrustStatement(statement)
  const ders = (certificates: readonly Certificate[]) => certificates.map(({ der }) => der)
  return (
    sameOctets(ders(said.roots), ders(meant.roots)) &&
    sameOctets(ders(said.issuingCas), ders(meant.issuingCas)) &&
    sameOctets(said.bundleKeys, meant.bundleKeys) &&
    isDeepStrictEqual(said.logs.map(logText), meant.logs.map(logText))
  )
}

function logText({ spki, origin }: TrustedLog): string {
  return `${Buffer.from(spki).toString('hex')} ${origin}`
}

function sameOctets(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((octets, index) => Buffer.compare(octets, b[index]!) === 0)
}

/** The roots that sign the next trust statement: every one that the newest names, and every one that the next will. */
export function rootsToSign(reader: Reader): SlotRow[] {
  const newest = reader.trustStatements().at(-1)
  const roots = [...(newest ? readTrustStatement(newest.bytes).roots : []), ...trustedSlots(reader).roots]
  return reader
    .slots()
    .filter(
      (slot) => slot.kind === 'root' && roots.some((root) => Buffer.compare(root.spki, slot.spki) === 0),
    )
}

/** Whether the newest trust statement names the bundle key in use: unless it does, nobody believes what that signs. */
export function isBundleKeyTrusted(reader: Reader): boolean {
  const newest = reader.trustStatements().at(-1)
  const key = slotInUse(reader.slots(), 'bundle-key')
  if (newest === undefined || key === undefined) return false
  return readTrustStatement(newest.bytes).bundleKeys.some((spki) => Buffer.compare(spki, key.spki) === 0)
}

/**
 * Whether the newest trust statement names all that signs now. Where it does not, because a roll-over that waits for nobody was
 * ended half-way, nobody would believe what is published or issued.
 */
export function isSignerTrusted(reader: Reader): boolean {
  const newest = reader.trustStatements().at(-1)
  const issuing = slotInUse(reader.slots(), 'issuing-ca')
  if (newest === undefined || issuing?.certificate === undefined || !isBundleKeyTrusted(reader)) return false
  const { certificate } = issuing
  return readTrustStatement(newest.bytes).issuingCas.some(({ der }) => Buffer.compare(der, certificate) === 0)
}

/**
 * Signs and records the next trust statement.
 *
 * @param signers every root of the statement before it, and every root it adds
 */
export async function publishTrustStatement(
  store: Store,
  signers: readonly Signer[],
  now: number,
  actor: string,
): Promise<DocumentNumber> {
  const mesh = store.mesh()
  if (mesh === undefined) throw new TypeError('a trust statement is of a mesh')
  const last = store.trustStatements().at(-1)
  const number = { generation: mesh.generation, counter: (last?.counter ?? 0) + 1 }
  const statement: TrustStatement = {
    number,
    meshId: mesh.meshId,
    trustDomain: mesh.trustDomain,
    issuedAt: now,
    ...trustedSlots(store),
  }
  const bytes = await sealTrustStatement(statement, signers)
  await store.write((transaction) => {
    transaction.addTrustStatement({ ...number, bytes })
    transaction.addAudit({
      at: now,
      actor,
      deed: 'trust-statement-published',
      entry: { number: formatDocumentNumber(number) },
    })
  })
  return number
}
