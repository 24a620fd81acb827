import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Certificate, decodePem, PkiError, parseCertificate } from '@datapunk/pki'
import {
  type Bundle,
  compareDocumentNumbers,
  type DocumentNumber,
  followTrustStatements,
  formatDocumentNumber,
  type Layout,
  openBundle,
  ProtocolError,
  parseDocumentNumber,
  type SignedTrustStatement,
} from '@datapunk/protocol'
import { MeshError } from './error.ts'

/** What the authority says, as it was believed last. */
export interface MeshDocuments {
  readonly trust: SignedTrustStatement
  readonly bundle: Bundle
}

/**
 * Reads trust statements and bundle from the mesh folder and believes them only as far as their signatures go.
 *
 * @param caCert the file with the roots: where trust begins, looked at only until the first statement is believed
 * @param latest as in `BeliefOptions`
 * @param previous what was believed last: numbers never go back
 * @returns `previous` itself where nothing is new
 * @throws MeshError `BUNDLE_MISSING`, `BUNDLE_REFUSED`, `ROOT_UNREADABLE`
 */
export async function readMeshDocuments(
  mesh: Layout['mesh'],
  caCert: string,
  latest: number,
  previous?: MeshDocuments,
): Promise<MeshDocuments> {
  const head = await readFile(mesh.head).catch((cause) => {
    throw missing(mesh.head, cause)
  })
  const trust = await readTrust(mesh, caCert, latest, previous?.trust)
  const bundle = refusing(() =>
    openBundle(head, (digest) => readSection(mesh, digest), trust, { previous: previous?.bundle, latest }),
  )
  if (trust === previous?.trust && bundle === previous.bundle) return previous
  return { trust, bundle }
}

async function readTrust(
  mesh: Layout['mesh'],
  caCert: string,
  latest: number,
  previous: SignedTrustStatement | undefined,
): Promise<SignedTrustStatement> {
  const names = await readdir(mesh.trustDir).catch((cause) => {
    throw missing(mesh.trustDir, cause)
  })
  const numbers = names.flatMap((name) => parseDocumentNumber(basename(name, '.json')) ?? [])
  numbers.sort(compareDocumentNumbers)
  const newest = numbers.at(-1)
  if (previous !== undefined && (newest === undefined || compareDocumentNumbers(newest, previous.number) < 0))
    throw wentBack(mesh, newest, previous)
  const unread = numbers.filter(
    (number) => previous === undefined || compareDocumentNumbers(number, previous.number) > 0,
  )
  if (previous !== undefined && unread.length === 0) return previous
  const documents = await Promise.all(unread.map((number) => readFile(mesh.trustStatement(number)))).catch(
    (cause) => {
      throw missing(mesh.trustDir, cause)
    },
  )
  const from = previous === undefined ? { anchors: await readRoots(caCert) } : { previous }
  return refusing(() => followTrustStatements(documents, from, latest))
}

/** @throws MeshError `ROOT_UNREADABLE` */
export async function readRoots(caCert: string): Promise<Certificate[]> {
  try {
    return decodePem(await readFile(caCert), 'CERTIFICATE').map(parseCertificate)
  } catch (cause) {
    const reason = cause instanceof PkiError ? cause.message : (cause as NodeJS.ErrnoException).code
    throw new MeshError(
      'ROOT_UNREADABLE',
      `found no readable root certificate in ${caCert} (${reason}); allowed: what \`mtls apply\` writes there: copy it to this machine, or run that`,
      { cause, data: { file: caCert } },
    )
  }
}

function readSection(mesh: Layout['mesh'], digest: string): Uint8Array {
  try {
    return readFileSync(mesh.section(digest))
  } catch (cause) {
    throw missing(mesh.section(digest), cause)
  }
}

function refusing<T>(believe: () => T): T {
  try {
    return believe()
  } catch (cause) {
    throw refusalOf(cause)
  }
}

/** A document that is not believed, in this package's words; anything else is passed on. */
export function refusalOf(cause: unknown): unknown {
  return cause instanceof ProtocolError
    ? new MeshError('BUNDLE_REFUSED', cause.message, { cause, data: { ...cause.data, rule: cause.code } })
    : cause
}

function missing(file: string, cause: unknown): MeshError {
  const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
  return new MeshError(
    'BUNDLE_MISSING',
    `found no readable ${file} (${reason}); allowed: the mesh's signed bundle: run \`mtls apply\`, which writes it`,
    { cause, data: { file } },
  )
}

function wentBack(
  mesh: Layout['mesh'],
  newest: DocumentNumber | undefined,
  previous: SignedTrustStatement,
): MeshError {
  return new MeshError(
    'BUNDLE_REFUSED',
    `found trust statement ${newest ? formatDocumentNumber(newest) : 'none'} as the last in ${mesh.trustDir} after ${formatDocumentNumber(previous.number)} was believed; allowed: only later ones: restore the folder`,
    { data: { rule: 'TRUST_WENT_BACK', previous: previous.number } },
  )
}
