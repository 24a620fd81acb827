import { createSecureContext, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import { type Certificate, encodePem, parseCertificate } from '@datapunk/pki'
import {
  type AuthorityAddress,
  type AuthorityMessage,
  followTrustStatements,
  isKnownSection,
  MessageReader,
  openBundle,
  openHead,
} from '@datapunk/protocol'
import type { Clock } from '../clock.ts'
import { MeshError } from '../error.ts'
import { type MeshDocuments, readRoots, refusalOf } from '../files/mesh-files.ts'
import type { PairText } from '../files/pair-file.ts'
import { Refused } from '../refusal.ts'
import { tls13 } from '../tls-profile.ts'
import { callAuthority } from './authority-call.ts'
import { getOver } from './authority-request.ts'
import { examineAuthority, seeWhatListens } from './authority-standing.ts'

export interface FirstContact {
  readonly address: AuthorityAddress
  readonly trustDomain: string
  /** The file with the roots: where trust begins. */
  readonly caCert: string
  readonly pair: PairText
  readonly clock: Clock
  /** As in `BeliefOptions`. */
  readonly latest: number
}

/** Every trust statement that ever was, some kB each, and a head. Bytes. */
const MAX_DOCUMENTS = 16 * 1024 * 1024
const MAX_SECTION = 64 * 1024 * 1024

/** What may be sent above a leaf; more than any mesh has. */
const MAX_SENT = 8

/**
 * Asks the authority on another host for trust statements and bundle, for a service that has none yet. There is no statement
 * to judge it by, so here, and only here, the issuing CA is taken from what is shown, up to a root of `ca_cert`; and nothing
 * is believed of what it says but by signature.
 *
 * @throws MeshError `AUTHORITY_UNREACHABLE`, `BUNDLE_MISSING`, `BUNDLE_REFUSED`, `ROOT_UNREADABLE`, `SERVER_REFUSED`
 */
export async function documentsFromAuthority(contact: FirstContact): Promise<MeshDocuments> {
  const { caCert, latest } = contact
  const anchors = readRoots(caCert)
  const { statements, head } = documentsIn(await ask(contact, anchors, '/documents', MAX_DOCUMENTS))
  if (head === undefined) throw nothingThere(contact)
  try {
    const trust = followTrustStatements(statements, { anchors }, latest)
    const sections = new Map<string, Uint8Array>()
    for (const ref of openHead(head, trust, { latest }).head.sections) {
      if (!isKnownSection(ref)) continue
      sections.set(ref.digest, await ask(contact, anchors, `/sections/${ref.digest}`, MAX_SECTION))
    }
    const section = (digest: string) => sections.get(digest) ?? new Uint8Array()
    return { trust, bundle: openBundle(head, section, trust, { latest }) }
  } catch (cause) {
    throw refusalOf(cause)
  }
}

async function ask(
  { address, trustDomain, pair, clock }: FirstContact,
  anchors: readonly Certificate[],
  path: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const ca = anchors.map(({ der }) => encodePem('CERTIFICATE', der)).join('')
  const context = createSecureContext({ ...tls13, cert: pair.cert, key: pair.key, ca })
  const judge = (socket: TLSSocket) => judgeBy(anchors, socket, trustDomain, clock.now())
  const { signal } = new AbortController()
  const call = { address, trustDomain, context, clock, signal, judge, awaited: true }
  const { socket } = await callAuthority(call)
  try {
    return (await getOver(socket, path, { maxBytes, clock })).bytes
  } catch (cause) {
    throw new MeshError(
      'AUTHORITY_UNREACHABLE',
      `the authority did not give ${path} (${(cause as Error).message}): found, most likely, that it refuses the pair of this service; allowed: the one it has issued last, of a member: see its "peer-refused" event`,
      { cause, data: { ...address, path } },
    )
  }
}

function judgeBy(roots: readonly Certificate[], socket: TLSSocket, trustDomain: string, at: number): void {
  try {
    const [leaf, ...above] = shownChain(socket)
    if (leaf === undefined)
      throw new Refused('NO_CERTIFICATE', 'found nobody who shows a certificate', seeWhatListens)
    examineAuthority(leaf, { roots, issuingCas: above.map(parseCertificate), trustDomain }, at)
    if (!socket.authorized)
      throw new Refused(
        'OPENSSL_REFUSED',
        `OpenSSL refuses it (${socket.authorizationError})`,
        seeWhatListens,
      )
  } catch (cause) {
    const { rule, fix } = cause instanceof Refused ? cause : { rule: 'CHECK_FAILED', fix: seeWhatListens }
    const { message } = cause as Error
    const text = `whoever answers in the authority’s place was refused: ${message}: ${fix}`
    throw new MeshError('SERVER_REFUSED', text, { cause, data: { rule } })
  }
}

/** Leaf first. */
function shownChain(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = []
  let one: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true)
  while (one?.raw !== undefined && chain.length < MAX_SENT) {
    chain.push(one.raw)
    if (one.issuerCertificate === one) break
    one = one.issuerCertificate
  }
  return chain
}

function documentsIn(bytes: Uint8Array): {
  statements: readonly Uint8Array[]
  head: Uint8Array | undefined
} {
  const messages: AuthorityMessage[] = []
  try {
    messages.push(...MessageReader.ofAuthority().read(bytes))
  } catch (cause) {
    throw refusalOf(cause)
  }
  const statements = messages.flatMap((one) => (one.type === 'trust-statement' ? [one.document] : []))
  const head = messages.flatMap((one) => (one.type === 'head' ? [one.document] : [])).at(-1)
  return { statements, head }
}

function nothingThere({ address }: FirstContact): MeshError {
  return new MeshError(
    'BUNDLE_MISSING',
    'found an authority that has published no bundle yet; allowed: one that has: run `mtls apply` there',
    { data: { ...address } },
  )
}
