import { type Signer, sha256 } from '@datapunk/pki'
import { z } from 'zod'
import {
  compareDocumentNumbers,
  type DocumentNumber,
  documentNumber,
  formatDocumentNumber,
} from './document-number.ts'
import { ProtocolError } from './error.ts'
import { type Member, parseMembers } from './members.ts'
import { isSignedBy, parsePayload, parseSealed, seal } from './sealed.ts'
import type { TrustStatement } from './trust-statement.ts'
import { dateTime } from './wire.ts'

/**
 * What is true in the mesh now. The head is small and signed by a bundle key; the sections are named in it by digest, so
 * that whoever fetches them, from wherever, knows that they are the signed ones.
 */
export interface BundleHead {
  readonly meshId: string
  readonly format: 1
  readonly number: DocumentNumber
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** The number of the trust statement that a reader needs for this bundle. */
  readonly trustStatement: DocumentNumber
  readonly sections: readonly SectionRef[]
}

export interface SectionRef {
  readonly kind: string
  /** A reader that does not know a critical section refuses the bundle; others it skips. */
  readonly critical: boolean
  /** SHA-256 of the section's bytes, lowercase hex. */
  readonly digest: string
  /** Bytes. */
  readonly size: number
}

/** A bundle that was checked: signature, mesh, number, sections. */
export interface Bundle {
  readonly head: BundleHead
  /** SHA-256 of the head as it was signed, lowercase hex. */
  readonly digest: string
  readonly members: ReadonlyMap<string, Member>
  readonly memberBySpiffeId: ReadonlyMap<string, Member>
  /** By DNS name and IP address, lower case. */
  readonly memberByName: ReadonlyMap<string, Member>
}

const TYPE = 'bundle-head/v1'

/** DESIGN: a head is at most 8 kB; base64 and signatures come on top. */
const MAX_HEAD_PAYLOAD_BYTES = 8 * 1024
const MAX_HEAD_BYTES = 64 * 1024

/** 100,000 members with names, rights and address are 30 MB. */
const MAX_SECTION_BYTES = 64 * 1024 * 1024

/** What a later version adds is passed over: it is signed, and a reader that must know it is told by a critical section. */
const headSchema = z.object({
  meshId: z.string().regex(/^[0-9a-f]{32}$/),
  format: z.literal(1),
  number: documentNumber,
  issuedAt: dateTime,
  expiresAt: dateTime,
  trustStatement: documentNumber,
  sections: z
    .array(
      z.object({
        kind: z.string().regex(/^[a-z][a-z-]{0,31}$/),
        critical: z.boolean(),
        digest: z.string().regex(/^[0-9a-f]{64}$/),
        size: z.int().min(0).max(MAX_SECTION_BYTES),
      }),
    )
    .min(1)
    .max(32),
})

export function sealBundleHead(head: BundleHead, signer: Signer): Promise<Uint8Array> {
  const payload: z.input<typeof headSchema> = {
    ...head,
    issuedAt: new Date(head.issuedAt).toISOString(),
    expiresAt: new Date(head.expiresAt).toISOString(),
    sections: [...head.sections],
  }
  return seal(TYPE, Buffer.from(JSON.stringify(payload)), [signer])
}

/**
 * Opens a bundle and checks it against the trust statement and against the last bundle believed.
 *
 * @param head the signed head
 * @param section gives a section's bytes by digest (lowercase hex); what it throws is passed on
 * @throws ProtocolError `SIGNATURE_INVALID`, `BUNDLE_*`, `TRUST_STATEMENT_MISSING`, `DOCUMENT_INVALID`
 */
export function openBundle(
  head: Uint8Array,
  section: (digest: string) => Uint8Array,
  trust: TrustStatement,
  previous?: Bundle,
): Bundle {
  const document = parseSealed(head, TYPE, MAX_HEAD_BYTES)
  if (!trust.bundleKeys.some((spki) => isSignedBy(document, spki))) {
    throw new ProtocolError(
      'SIGNATURE_INVALID',
      `found a bundle head that no bundle key of trust statement ${formatDocumentNumber(trust.number)} has signed; allowed: this mesh’s own, which \`mtls apply\` writes`,
    )
  }
  const parsed = parsePayload(document.payload, headSchema, TYPE, MAX_HEAD_PAYLOAD_BYTES)
  const digest = hex(sha256(document.payload))
  checkIdentity(parsed, trust)
  if (previous !== undefined) {
    checkNumber(parsed, digest, previous)
    if (digest === previous.digest) return previous
  }
  const members = new Map<string, Member>()
  for (const ref of parsed.sections) {
    if (ref.kind === 'members') {
      for (const member of parseMembers(fetchSection(ref, section))) members.set(member.service, member)
    } else if (ref.critical) {
      throw new ProtocolError(
        'BUNDLE_UNKNOWN_CRITICAL_SECTION',
        `found the critical section "${ref.kind}", which this version does not know; allowed: members: update this peer`,
        { data: { kind: ref.kind } },
      )
    }
  }
  if (!parsed.sections.some((ref) => ref.kind === 'members')) {
    throw new ProtocolError(
      'BUNDLE_INVALID',
      'found a bundle without the section "members"; allowed: exactly one',
    )
  }
  return { head: parsed, digest, members, ...indexes(members) }
}

function checkIdentity(head: BundleHead, trust: TrustStatement): void {
  if (head.meshId !== trust.meshId) {
    throw new ProtocolError(
      'BUNDLE_OF_ANOTHER_MESH',
      `found a bundle of mesh ${head.meshId}; allowed: mesh ${trust.meshId}`,
      { data: { found: head.meshId, allowed: trust.meshId } },
    )
  }
  if (compareDocumentNumbers(head.trustStatement, trust.number) > 0) {
    throw new ProtocolError(
      'TRUST_STATEMENT_MISSING',
      `found a bundle that needs trust statement ${formatDocumentNumber(head.trustStatement)}; at hand is ${formatDocumentNumber(trust.number)}`,
    )
  }
}

function checkNumber(head: BundleHead, digest: string, previous: Bundle): void {
  const order = compareDocumentNumbers(head.number, previous.head.number)
  const data = { found: head.number, previous: previous.head.number }
  if (order < 0) {
    throw new ProtocolError(
      'BUNDLE_NUMBER_WENT_BACK',
      `found bundle ${formatDocumentNumber(head.number)} after ${formatDocumentNumber(previous.head.number)}; allowed: only later ones`,
      { data },
    )
  }
  if (order === 0 && digest !== previous.digest) {
    throw new ProtocolError(
      'BUNDLE_FORKED',
      `found two different bundles with the number ${formatDocumentNumber(head.number)}; the bundle key or the state folder has been copied`,
      { data },
    )
  }
}

function fetchSection(ref: SectionRef, section: (digest: string) => Uint8Array): Uint8Array {
  const bytes = section(ref.digest)
  if (bytes.byteLength === ref.size && hex(sha256(bytes)) === ref.digest) return bytes
  throw new ProtocolError(
    'BUNDLE_INVALID',
    `the section "${ref.kind}" is not what the signed head names; \`mtls apply\` writes it anew`,
    { data: { kind: ref.kind, digest: ref.digest } },
  )
}

function indexes(members: ReadonlyMap<string, Member>): Pick<Bundle, 'memberBySpiffeId' | 'memberByName'> {
  const memberBySpiffeId = new Map<string, Member>()
  const memberByName = new Map<string, Member>()
  for (const member of members.values()) {
    memberBySpiffeId.set(member.spiffeId, member)
    for (const name of [...member.dnsNames, ...member.ipAddresses]) {
      const other = memberByName.get(name)
      if (other !== undefined && other !== member) throw twoOwners(name, member, other)
      memberByName.set(name, member)
    }
  }
  return { memberBySpiffeId, memberByName }
}

/** Whom a name means must not depend on who comes last. */
function twoOwners(name: string, one: Member, other: Member): ProtocolError {
  return new ProtocolError(
    'BUNDLE_INVALID',
    `found the name ${name} with both ${other.service} and ${one.service}; allowed: one member a name: \`mtls apply\` publishes anew`,
    { data: { name, services: [other.service, one.service] } },
  )
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
