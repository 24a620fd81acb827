import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type Certificate, decodePem, parseCertificate } from '@datapunk/pki'
import {
  type Bundle,
  type Config,
  compareDocumentNumbers,
  followTrustStatements,
  layoutOf,
  openBundle,
  parseDocumentNumber,
  type SignedTrustStatement,
} from '@datapunk/protocol'
import { CliError } from './cli-error.ts'

/** What the mesh says in public, as every peer believes it. */
export interface PublishedMesh {
  readonly trust: SignedTrustStatement
  readonly bundle: Bundle
}

/**
 * Reads trust statements and bundle from the mesh folder, and believes them as far as their signatures go, from the roots
 * in `paths.ca_cert` on.
 *
 * @param previous what was believed before: numbers never go back, and what is the same is not read again
 * @throws CliError `MESH_UNREADABLE`; ProtocolError, PkiError for documents that can't be believed
 */
export function readPublishedMesh(config: Config, previous?: PublishedMesh): PublishedMesh {
  const { mesh } = layoutOf(config)
  const from = previous ? { previous: previous.trust } : { anchors: readRoots(config.paths.caCert) }
  const numbers = readable(mesh.trustDir, () => readdirSync(mesh.trustDir))
    .flatMap((name) => parseDocumentNumber(basename(name, '.json')) ?? [])
    .sort(compareDocumentNumbers)
  const documents = numbers.map((number) => read(mesh.trustStatement(number)))
  const trust = followTrustStatements(documents, from)
  const section = (digest: string) => previous?.bundle.sections.get(digest) ?? read(mesh.section(digest))
  return { trust, bundle: openBundle(read(mesh.head), section, trust, { previous: previous?.bundle }) }
}

function readRoots(caCert: string): Certificate[] {
  return decodePem(read(caCert), 'CERTIFICATE').map(parseCertificate)
}

function read(file: string): Uint8Array {
  return readable(file, () => readFileSync(file))
}

function readable<Value>(path: string, use: () => Value): Value {
  try {
    return use()
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new CliError(
      'MESH_UNREADABLE',
      `found no readable ${path} (${reason}); allowed: what \`mtls apply\` writes there: run that, or check --config, --env and --root`,
      { cause },
    )
  }
}
