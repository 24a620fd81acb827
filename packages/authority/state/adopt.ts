import { type Certificate, checkRoot, decodePem, PkiError, parseCertificate } from '@datapunk/pki'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import { recordMesh } from './found-mesh.ts'

const MAX_PEM_BYTES = 256 * 1024

/** It is in every trust statement. One with the largest key that is used here has 6 kB. */
const MAX_DER_BYTES = 8 * 1024

/**
 * Takes an existing CA over as this mesh's root: its certificate stays as it is, its key is sealed like every CA key. The
 * issuing CA, the bundle key and all else are made by the apply that follows. A crash between any two steps is taken up by
 * adopting it again.
 *
 * @throws AuthorityError `MESH_EXISTS`; `ADOPTION_REFUSED` before anything is done; what `KeyStore.import` throws
 */
export async function adoptCa(engine: Engine): Promise<void> {
  const { config, store, disk, keys, clock, actor } = engine
  const { caCert, caKey } = config.paths
  if (store.mesh() !== undefined) {
    throw new AuthorityError(
      'MESH_EXISTS',
      'found a mesh that has its CA; allowed: --adopt-ca at the first apply only. Leave it out',
    )
  }
  // 1 A CA under which nothing would be believed is refused.
  const certificatePem = disk.readChecked(caCert, { maxBytes: MAX_PEM_BYTES })
  const keyPem = disk.readChecked(caKey, { maxBytes: MAX_PEM_BYTES, refuseLooserThan: 0o600 })
  if (certificatePem === undefined || keyPem === undefined)
    throw refused(`found no CA at ${certificatePem === undefined ? caCert : caKey}`)
  const root = readRoot(certificatePem, caCert)
  checkAdoptable(root, clock())

  // 2 Its key is sealed in its place.
  const { algorithm, spkiHash } = await keys
    .import({ id: 'root-1', kind: 'root' }, keyPem, root.spki)
    .finally(() => keyPem.fill(0))

  // 3 The mesh is on record, and with it its root.
  await recordMesh(engine, (transaction) => {
    const at = clock()
    transaction.putSlot({
      ...{ id: 'root-1', kind: 'root', state: 'active', since: at, leftOut: [] },
      ...{ algorithm, spkiHash, spki: root.spki, certificate: root.der },
    })
    transaction.addAudit({ at, actor, deed: 'ca-adopted', entry: { serial: root.serial, spkiHash } })
  })
}

function readRoot(pem: Uint8Array, file: string): Certificate {
  const certificates = refusing(() => decodePem(pem, 'CERTIFICATE'))
  const [der] = certificates
  if (der === undefined || certificates.length > 1)
    throw refused(`found ${certificates.length} certificates in ${file}`)
  if (der.length > MAX_DER_BYTES) throw refused(`found a certificate of ${der.length} bytes in ${file}`)
  return refusing(() => parseCertificate(der))
}

/** What peers and outsiders ask of a root, and what it takes to sign an issuing CA and a revocation list. */
function checkAdoptable(root: Certificate, now: number): void {
  refusing(() => checkRoot(root, now))
  const { keyUsage, basicConstraints, nameConstraints } = root.extensions
  const { subject } = root
  // Without any it would do by RFC 5280 §6, but not for OpenSSL where it is strict, as in Python from 3.13 on.
  if (!keyUsage?.usages.has('keyCertSign') || !keyUsage.usages.has('cRLSign'))
    throw refused(
      `found no key usage in ${subject} for certificates and revocation lists (keyCertSign, cRLSign)`,
    )
  if (basicConstraints?.pathLength === 0)
    throw refused(`found that the path length of ${subject} lets no CA stand under it`)
  if (nameConstraints !== undefined)
    throw refused(`found that ${subject} constrains names, which is what the issuing CA of this mesh does`)
}

function refusing<Result>(look: () => Result): Result {
  try {
    return look()
  } catch (cause) {
    if (cause instanceof PkiError) throw refused(cause.message, cause)
    throw cause
  }
}

function refused(found: string, cause?: unknown): AuthorityError {
  return new AuthorityError(
    'ADOPTION_REFUSED',
    `${found}; allowed with --adopt-ca: one self-signed CA certificate at paths.ca_cert, valid now, of at most ${MAX_DER_BYTES} bytes, that may sign CAs, lists and any name, and its key at paths.ca_key. Or move both away and leave --adopt-ca out: then a CA is made`,
    { cause },
  )
}
