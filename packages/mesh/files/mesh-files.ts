import { readdirSync } from 'node:fs'
import { type Certificate, decodePem, PkiError, parseCertificate } from '@datapunk/pki'
import {
  type Bundle,
  type Config,
  compareDocumentNumbers,
  type DocumentNumber,
  followTrustStatements,
  formatDocumentNumber,
  type Layout,
  layoutOf,
  openBundle,
  ProtocolError,
  type SignedTrustStatement,
  trustStatementNumbers,
} from '@datapunk/protocol'
import { MeshError } from '../error.ts'
import { readRegularFileSync } from './regular-file.ts'

/** As the largest section that a head may name; of everything else less is believed. Bytes. */
const MAX_BYTES = 64 * 1024 * 1024

/** What the authority says, as it was believed last. */
export interface MeshDocuments {
  readonly trust: SignedTrustStatement
  readonly bundle: Bundle
}

export interface MeshReading {
  /**
   * When a document may have been issued at the latest, milliseconds since the epoch: now, and what clocks may differ by.
   * `Infinity` believes what every peer may refuse: for whoever only shows it.
   */
  readonly latest: number
  /** What was believed last: numbers never go back. */
  readonly previous?: MeshDocuments | undefined
}

/**
 * Reads trust statements and bundle from the mesh folder and believes them only as far as their signatures go, from the
 * roots in `paths.ca_cert` on, which are looked at only until the first statement is believed. In one turn, so that a
 * verdict which can't wait may ask for it too.
 *
 * @returns `previous` itself where nothing is new
 * @throws MeshError `BUNDLE_MISSING`, `BUNDLE_REFUSED`, `ROOT_UNREADABLE`
 */
export function readMeshDocuments(config: Config, { latest, previous }: MeshReading): MeshDocuments {
  const { mesh } = layoutOf(config)
  const head = read(mesh.head)
  const trust = readTrust(mesh, config.paths.caCert, latest, previous?.trust)
  const section = (digest: string) => read(mesh.section(digest))
  const bundle = refusing(() => openBundle(head, section, trust, { previous: previous?.bundle, latest }))
  if (trust === previous?.trust && bundle === previous.bundle) return previous
  return { trust, bundle }
}

function readTrust(
  mesh: Layout['mesh'],
  caCert: string,
  latest: number,
  previous: SignedTrustStatement | undefined,
): SignedTrustStatement {
  const numbers = trustStatementNumbers(there(mesh.trustDir, () => readdirSync(mesh.trustDir)))
  const newest = numbers.at(-1)
  if (previous !== undefined && (newest === undefined || compareDocumentNumbers(newest, previous.number) < 0))
    throw wentBack(mesh, newest, previous)
  const unread = numbers.filter(
    (number) => previous === undefined || compareDocumentNumbers(number, previous.number) > 0,
  )
  if (previous !== undefined && unread.length === 0) return previous
  const documents = unread.map((number) => read(mesh.trustStatement(number)))
  const from = previous === undefined ? { anchors: readRoots(caCert) } : { previous }
  return refusing(() => followTrustStatements(documents, from, latest))
}

/** @throws MeshError `ROOT_UNREADABLE` */
export function readRoots(caCert: string): Certificate[] {
  try {
    return decodePem(readRegularFileSync(caCert, MAX_BYTES), 'CERTIFICATE').map(parseCertificate)
  } catch (cause) {
    const reason = cause instanceof PkiError ? cause.message : reasonOf(cause)
    throw new MeshError(
      'ROOT_UNREADABLE',
      `found no readable root certificate in ${caCert} (${reason}); allowed: what \`mtls apply\` writes there: copy it to this machine, or run that`,
      { cause, data: { file: caCert } },
    )
  }
}

function read(file: string): Uint8Array {
  return there(file, () => readRegularFileSync(file, MAX_BYTES))
}

function there<Found>(path: string, look: () => Found): Found {
  try {
    return look()
  } catch (cause) {
    throw missing(path, cause)
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
  return new MeshError(
    'BUNDLE_MISSING',
    `found no readable ${file} (${reasonOf(cause)}); allowed: the mesh's signed bundle: run \`mtls apply\`, which writes it`,
    { cause, data: { file } },
  )
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  return code ?? message
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
