import { type Signer, sha256 } from '@datapunk/pki'
import type { TreeRoot } from '@datapunk/tlog'
import { z } from 'zod'
import { parseAudit } from './audit.ts'
import type { Requirement } from './config/config.ts'
import {
  compareDocumentNumbers,
  type DocumentNumber,
  documentNumber,
  formatDocumentNumber,
} from './document-number.ts'
import { parseDraining } from './draining.ts'
import { ProtocolError } from './error.ts'
import { checkIssuedBy } from './issued-by.ts'
import { type Member, parseMembers } from './members.ts'
import { type Pins, parsePins } from './pins.ts'
import { remembering } from './remembering.ts'
import { RevokedSet } from './revoked.ts'
import { isSignedBy, keyIdOf, parsePayload, parseSealed, type SealedDocument, seal } from './sealed.ts'
import { parseTransparency } from './transparency.ts'
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

/** A head that was checked: signature, mesh, number. */
export interface SignedHead {
  readonly head: BundleHead
  /** As it came. */
  readonly bytes: Uint8Array
  /** SHA-256 of the head as it was signed, lowercase hex. */
  readonly digest: string
  /** The bundle key that has signed it, by its `keyIdOf`. */
  readonly signedBy: string
}

/** A bundle that was checked: its head, and that its sections are the ones the head names. */
export interface Bundle extends SignedHead {
  /** What this version reads of them, as they came, by digest. */
  readonly sections: ReadonlyMap<string, Uint8Array>
  /** Issuing CAs on their way out, by the `keyIdOf` of their keys: connections under them are to move over. */
  readonly draining: ReadonlySet<string>
  /** What is done with a certificate without the word of a log that is trusted; undefined: nothing. */
  readonly transparency: Requirement | undefined
  /** The authority's audit as it was when this was published; undefined where the bundle says nothing of it. */
  readonly audit: TreeRoot | undefined
  /** Serials of certificates that nobody accepts any more. */
  readonly revoked: RevokedSet
  /** The keys that members may show; undefined where the mesh pins none. */
  readonly pins: Pins | undefined
  readonly members: ReadonlyMap<string, Member>
  readonly memberBySpiffeId: ReadonlyMap<string, Member>
  /** By DNS name and IP address, lower case. */
  readonly memberByName: ReadonlyMap<string, Member>
}

const TYPE = 'bundle-head/v1'

/** A head goes to every peer with every bundle. */
const MAX_HEAD_PAYLOAD_BYTES = 8 * 1024
/** Base64 and signatures come on top. */
const MAX_HEAD_BYTES = 64 * 1024

/** 100,000 members with names, rights and address are 30 MB. */
const MAX_SECTION_BYTES = 64 * 1024 * 1024

const KNOWN_SECTIONS: readonly string[] = ['members', 'revoked', 'draining', 'audit', 'pins', 'transparency']

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
    .max(32)
    // Of two only one could hold. What a kind that is not known means by being there twice is for whoever knows it.
    .refine((sections) =>
      KNOWN_SECTIONS.every((known) => sections.filter(({ kind }) => kind === known).length <= 1),
    ),
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
 * What a head says, whoever has signed it.
 *
 * @throws ProtocolError `DOCUMENT_INVALID`
 */
export const readBundleHead = remembering((bytes): ReadHead => {
  const document = parseSealed(bytes, TYPE, MAX_HEAD_BYTES)
  const head = parsePayload(document.payload, headSchema, TYPE, MAX_HEAD_PAYLOAD_BYTES)
  return { head, digest: hex(sha256(document.payload)), document }
})

interface ReadHead {
  readonly head: BundleHead
  readonly digest: string
  readonly document: SealedDocument
}

/** What belief is bounded by, besides signatures. */
export interface BeliefOptions {
  /** The last bundle believed: numbers never go back. */
  readonly previous?: Bundle | undefined
  /**
   * When a document may have been issued at the latest, milliseconds since the epoch: now, and what clocks may differ by.
   */
  readonly latest?: number | undefined
}

/**
 * Opens a head and checks it against the trust statement and against the last bundle believed.
 *
 * @param bytes the signed head
 * @throws ProtocolError `DOCUMENT_INVALID`, `SIGNATURE_INVALID`, `BUNDLE_*`, `TRUST_STATEMENT_MISSING`,
 *   `ISSUED_IN_THE_FUTURE`
 */
export function openHead(
  bytes: Uint8Array,
  trust: TrustStatement,
  { previous, latest }: BeliefOptions = {},
): SignedHead {
  const { head, digest, document } = readBundleHead(bytes)
  const signer = trust.bundleKeys.find((spki) => isSignedBy(document, spki))
  if (signer === undefined) {
    throw new ProtocolError(
      'SIGNATURE_INVALID',
      `found a bundle head that no bundle key of trust statement ${formatDocumentNumber(trust.number)} has signed; allowed: this mesh’s own, which \`mtls apply\` writes`,
    )
  }
  checkIdentity(head, trust)
  checkGeneration(head, trust)
  if (previous !== undefined) checkNumber(head, digest, previous)
  checkIssuedBy(head, latest, 'bundle')
  return { head, bytes, digest, signedBy: keyIdOf(signer) }
}

/**
 * Opens a bundle and checks it against the trust statement and against the last bundle believed.
 *
 * @param bytes the signed head
 * @param section gives a section's bytes by digest (lowercase hex); what it throws is passed on. Undefined says that they are
 *   not there, which is allowed for sections that are not critical, to readers that are no peers
 * @returns `previous` itself where it is the same, and whole
 * @throws ProtocolError as `openHead`
 */
export function openBundle(
  bytes: Uint8Array,
  section: (digest: string) => Uint8Array | undefined,
  trust: TrustStatement,
  options: BeliefOptions = {},
): Bundle {
  const { previous } = options
  const signed = openHead(bytes, trust, options)
  if (signed.digest === previous?.digest && isWhole(previous)) return previous
  // Most bundles only say again what the one before them said.
  const sameMembers = previous && namedMembers(signed.head) === namedMembers(previous.head)
  const members = new Map<string, Member>()
  const sections = new Map<string, Uint8Array>()
  let draining: ReadonlySet<string> = new Set()
  let transparency: Requirement | undefined
  let audit: TreeRoot | undefined
  let revoked = RevokedSet.none
  let pins: Pins | undefined
  for (const ref of signed.head.sections) {
    if (!isKnownSection(ref)) continue
    const content = fetchSection(ref, section)
    if (content === undefined) continue
    sections.set(ref.digest, content)
    if (ref.kind === 'draining') draining = parseDraining(content)
    else if (ref.kind === 'transparency') transparency = parseTransparency(content)
    else if (ref.kind === 'audit') audit = parseAudit(content)
    else if (ref.kind === 'revoked') revoked = revokedIn(content, ref, previous)
    else if (ref.kind === 'pins') pins = pinsIn(content, ref, previous)
    else if (!sameMembers) for (const member of parseMembers(content)) members.set(member.service, member)
  }
  if (!signed.head.sections.some((ref) => ref.kind === 'members')) {
    throw new ProtocolError(
      'BUNDLE_INVALID',
      'found a bundle without the section "members"; allowed: exactly one',
    )
  }
  const known = sameMembers ? membersOf(previous) : indexMembers(members)
  return { ...signed, sections, draining, audit, transparency, revoked, pins, ...known }
}

/** Whether nothing that this version reads was missing when it was opened. */
function isWhole({ head, sections }: Bundle): boolean {
  return head.sections.every((ref) => !isKnownSection(ref) || sections.has(ref.digest))
}

/** The sections of members, by digest. */
function namedMembers({ sections }: BundleHead): string {
  return sections.flatMap(({ kind, digest }) => (kind === 'members' ? [digest] : [])).join(' ')
}

/**
 * Whether this version reads a section.
 *
 * @throws ProtocolError `BUNDLE_UNKNOWN_CRITICAL_SECTION`
 */
export function isKnownSection({ kind, critical }: Pick<SectionRef, 'kind' | 'critical'>): boolean {
  if (KNOWN_SECTIONS.includes(kind)) return true
  if (!critical) return false
  throw new ProtocolError(
    'BUNDLE_UNKNOWN_CRITICAL_SECTION',
    `found the critical section "${kind}", which this version does not know; allowed: ${KNOWN_SECTIONS.join(', ')}: update this peer`,
    { data: { kind } },
  )
}

/** A million of them are not read again because something else has changed. */
function revokedIn(content: Uint8Array, { digest }: SectionRef, previous: Bundle | undefined): RevokedSet {
  return previous?.sections.has(digest) ? previous.revoked : RevokedSet.parse(content)
}

/** Nor are those of a hundred thousand services. */
function pinsIn(content: Uint8Array, { digest }: SectionRef, previous: Bundle | undefined): Pins {
  return (previous?.sections.has(digest) && previous.pins) || parsePins(content)
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

/**
 * Only a restore begins a generation, and its trust statement says so: whoever has no more than a bundle key can't use up the
 * numbers of a mesh.
 */
function checkGeneration({ number }: BundleHead, trust: TrustStatement): void {
  if (number.generation <= trust.number.generation) return
  throw new ProtocolError(
    'BUNDLE_INVALID',
    `found bundle ${formatDocumentNumber(number)} under trust statement ${formatDocumentNumber(trust.number)}; allowed: a bundle of generation ${trust.number.generation}, until a trust statement of a later one is signed`,
    { data: { found: number, trustStatement: trust.number } },
  )
}

function checkNumber(head: BundleHead, digest: string, previous: SignedHead): void {
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

function fetchSection(
  ref: SectionRef,
  section: (digest: string) => Uint8Array | undefined,
): Uint8Array | undefined {
  const bytes = section(ref.digest)
  if (bytes === undefined && !ref.critical) return undefined
  if (bytes?.byteLength === ref.size && hex(sha256(bytes)) === ref.digest) return bytes
  throw new ProtocolError(
    'BUNDLE_INVALID',
    `the section "${ref.kind}" is not what the signed head names; \`mtls apply\` writes it anew`,
    { data: { kind: ref.kind, digest: ref.digest } },
  )
}

type Members = Pick<Bundle, 'members' | 'memberBySpiffeId' | 'memberByName'>

function membersOf({ members, memberBySpiffeId, memberByName }: Bundle): Members {
  return { members, memberBySpiffeId, memberByName }
}

/** @throws ProtocolError `BUNDLE_INVALID` where two members have one name */
export function indexMembers(members: ReadonlyMap<string, Member>): Members {
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
  return { members, memberBySpiffeId, memberByName }
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
