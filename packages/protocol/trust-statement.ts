import { type Certificate, parseCertificate, type Signer } from '@datapunk/pki'
import { z } from 'zod'
import {
  compareDocumentNumbers,
  type DocumentNumber,
  documentNumber,
  formatDocumentNumber,
  isSuccessor,
} from './document-number.ts'
import { ProtocolError } from './error.ts'
import { checkIssuedBy } from './issued-by.ts'
import { remembering } from './remembering.ts'
import { isSignedBy, parsePayload, parseSealed, type SealedDocument, seal } from './sealed.ts'
import { dateTime, derBase64 } from './wire.ts'

/**
 * Whom a peer trusts. Every statement is signed by every root of the one before it and by every root it adds, so that a
 * peer that slept through two roll-overs walks them one by one, and no single stolen document moves its trust.
 */
export interface TrustStatement {
  readonly number: DocumentNumber
  readonly meshId: string
  readonly trustDomain: string
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  readonly roots: readonly Certificate[]
  readonly issuingCas: readonly Certificate[]
  /** DER SubjectPublicKeyInfo of every key that may sign a bundle head. */
  readonly bundleKeys: readonly Uint8Array[]
  /** Transparency logs whose SCTs count. */
  readonly logs: readonly TrustedLog[]
}

export interface TrustedLog {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Its name in checkpoints (C2SP static-ct-api). */
  readonly origin: string
}

/** One that was read, with its bytes as they were signed. */
export interface SignedTrustStatement extends TrustStatement {
  readonly bytes: Uint8Array
}

const TYPE = 'trust-statement/v1'

/** As many CAs as are named, post-quantum, the issuing ones with 8 KiB of constraints each, and as many signatures of roots. */
const MAX_BYTES = 512 * 1024

/** How many issuing CAs, and how many logs, a statement may name. */
export const MAX_ISSUING_CAS = 16
export const MAX_LOGS = 8

/** What a later version adds is passed over; what may not be is another type. */
const payloadSchema = z.object({
  number: documentNumber,
  meshId: z.string().regex(/^[0-9a-f]{32}$/),
  trustDomain: z.string().min(1).max(253),
  issuedAt: dateTime,
  roots: z.array(derBase64).min(1).max(8),
  issuingCas: z.array(derBase64).min(1).max(MAX_ISSUING_CAS),
  bundleKeys: z.array(derBase64).min(1).max(8),
  logs: z
    .array(z.object({ spki: derBase64, origin: z.string().min(1).max(300) }))
    .max(MAX_LOGS)
    .default([]),
})

/**
 * @param signers every root of the statement before it, and every root it adds
 * @throws ProtocolError `DOCUMENT_INVALID` where it says more than anybody would read
 */
export async function sealTrustStatement(
  statement: TrustStatement,
  signers: readonly Signer[],
): Promise<Uint8Array> {
  const payload: z.input<typeof payloadSchema> = {
    number: statement.number,
    meshId: statement.meshId,
    trustDomain: statement.trustDomain,
    issuedAt: new Date(statement.issuedAt).toISOString(),
    roots: statement.roots.map((root) => Buffer.from(root.der).toString('base64')),
    issuingCas: statement.issuingCas.map((ca) => Buffer.from(ca.der).toString('base64')),
    bundleKeys: statement.bundleKeys.map((spki) => Buffer.from(spki).toString('base64')),
    logs: statement.logs.map(({ spki, origin }) => ({ spki: Buffer.from(spki).toString('base64'), origin })),
  }
  const bytes = Buffer.from(JSON.stringify(payload))
  // What nobody would read is signed by nobody.
  parsePayload(bytes, payloadSchema, TYPE, MAX_BYTES)
  return seal(TYPE, bytes, signers)
}

/**
 * What a trust statement says, whoever has signed it: for the authority, which has kept it itself.
 *
 * @throws ProtocolError `DOCUMENT_INVALID`, `TRUST_STATEMENT_INVALID`
 */
export const readTrustStatement = remembering(
  (bytes): SignedTrustStatement => ({ ...parseStatement(parseSealed(bytes, TYPE, MAX_BYTES)), bytes }),
)

/**
 * Walks the trust statements and believes each only as far as the one before it allows.
 *
 * @param documents the signed statements, in the order of their numbers, without a gap but for a restore's
 * @param from what is trusted so far: the last believed statement, or at first the roots given by hand
 * @param latest when the last of them may have been issued at the latest, milliseconds since the epoch: now, and what clocks
 *   may differ by
 * @returns the last statement
 * @throws ProtocolError `TRUST_STATEMENT_MISSING`, `TRUST_STATEMENT_NOT_TRUSTED`, `TRUST_STATEMENT_INVALID`,
 *   `ISSUED_IN_THE_FUTURE`
 */
export function followTrustStatements(
  documents: readonly Uint8Array[],
  from: { readonly anchors: readonly Certificate[] } | { readonly previous: SignedTrustStatement },
  latest?: number,
): SignedTrustStatement {
  let trusted = 'previous' in from ? from.previous : undefined
  for (const bytes of documents) {
    const document = parseSealed(bytes, TYPE, MAX_BYTES)
    const statement = { ...parseStatement(document), bytes }
    if (trusted !== undefined) {
      if (compareDocumentNumbers(statement.number, trusted.number) <= 0) continue
      checkSuccession(document, statement, trusted)
      trusted = statement
    } else if ('anchors' in from && from.anchors.some((anchor) => isSignedBy(document, anchor.spki))) {
      checkOwnRoots(document, statement)
      trusted = statement
    }
  }
  if (trusted !== undefined) {
    const isNew = !('previous' in from) || trusted !== from.previous
    // Those before it may be of the future: that the clock was put right since, whoever signed the last one says.
    if (isNew) checkIssuedBy(trusted, latest, 'trust statement')
    return trusted
  }
  if (documents.length === 0) throw missing()
  throw new ProtocolError(
    'TRUST_STATEMENT_NOT_TRUSTED',
    'found trust statements that no root of paths.ca_cert has signed; allowed: the statements of this mesh: compare the ca_cert of this machine with the authority’s',
  )
}

function parseStatement(document: SealedDocument): TrustStatement {
  const payload = parsePayload(document.payload, payloadSchema, TYPE, MAX_BYTES)
  try {
    return {
      ...payload,
      roots: payload.roots.map(parseCertificate),
      issuingCas: payload.issuingCas.map(parseCertificate),
    }
  } catch (cause) {
    throw new ProtocolError(
      'TRUST_STATEMENT_INVALID',
      `trust statement ${formatDocumentNumber(payload.number)} lists a certificate that can't be read`,
      { cause, data: { number: payload.number } },
    )
  }
}

function checkSuccession(document: SealedDocument, next: TrustStatement, previous: TrustStatement): void {
  const fail = (what: string) => {
    throw new ProtocolError(
      'TRUST_STATEMENT_INVALID',
      `trust statement ${formatDocumentNumber(next.number)} ${what}`,
      {
        data: { number: next.number, previous: previous.number },
      },
    )
  }
  if (!isSuccessor(next.number, previous.number))
    fail(`does not follow ${formatDocumentNumber(previous.number)}: the ones between are missing`)
  if (next.meshId !== previous.meshId) fail(`is of mesh ${next.meshId}, not of ${previous.meshId}`)
  if (next.trustDomain !== previous.trustDomain) fail('names another trust domain')
  for (const root of previous.roots) {
    if (!isSignedBy(document, root.spki)) fail(`lacks the signature of the root ${root.subject} it follows`)
  }
  checkOwnRoots(document, next)
}

function checkOwnRoots(document: SealedDocument, statement: TrustStatement): void {
  for (const root of statement.roots) {
    if (isSignedBy(document, root.spki)) continue
    throw new ProtocolError(
      'TRUST_STATEMENT_INVALID',
      `trust statement ${formatDocumentNumber(statement.number)} lacks the signature of the root ${root.subject} it lists`,
      { data: { number: statement.number } },
    )
  }
}

function missing(): ProtocolError {
  return new ProtocolError(
    'TRUST_STATEMENT_MISSING',
    'found no trust statement; allowed: at least one, which `mtls apply` writes',
  )
}
