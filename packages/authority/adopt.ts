import { decodePem, parseCertificate, verifySignature } from '@datapunk/pki'
import { keyIdOf } from '@datapunk/protocol'
import type { Engine } from './engine.ts'
import { AuthorityError } from './error.ts'
import { recordMesh } from './found.ts'

const MAX_PEM_BYTES = 256 * 1024

/**
 * Takes an existing CA over as this mesh's root: its certificate stays as it is, its key is sealed like every CA key. The
 * issuing CA, the bundle key and all else are made by the apply that follows.
 *
 * @throws AuthorityError `MESH_EXISTS`, `ADOPTION_REFUSED`, `KEY_INVALID`, `KEY_MISMATCH`
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
  const certificatePem = disk.readChecked(caCert, { maxBytes: MAX_PEM_BYTES })
  const keyPem = disk.readChecked(caKey, { maxBytes: MAX_PEM_BYTES, refuseLooserThan: 0o600 })
  if (certificatePem === undefined || keyPem === undefined) {
    throw refused(`found no CA at ${certificatePem === undefined ? caCert : caKey}`)
  }
  const [der, ...more] = decodePem(certificatePem, 'CERTIFICATE')
  if (der === undefined || more.length > 0)
    throw refused(`found ${more.length + 1} certificates in ${caCert}`)
  const root = parseCertificate(der)
  const selfSigned = verifySignature({
    spki: root.spki,
    message: root.tbs,
    signature: root.signature,
    algorithm: root.signatureAlgorithm,
  })
  const { basicConstraints, keyUsage } = root.extensions
  if (!selfSigned || !basicConstraints?.ca || keyUsage?.usages.has('keyCertSign') === false)
    throw refused('found no self-signed CA')
  if (clock() >= root.notAfter)
    throw refused(`found a CA that expired at ${new Date(root.notAfter).toISOString()}`)

  const { algorithm } = await keys.import({ id: 'root-1', kind: 'root' }, keyPem, root.spki)
  await recordMesh(engine)
  const at = clock()
  const spkiHash = keyIdOf(root.spki)
  await store.write((transaction) => {
    transaction.putSlot({
      id: 'root-1',
      kind: 'root',
      state: 'active',
      algorithm,
      spkiHash,
      spki: root.spki,
      certificate: der,
      since: at,
      leftOut: [],
    })
    transaction.addAudit({ at, actor, deed: 'ca-adopted', entry: { serial: root.serial, spkiHash } })
  })
}

function refused(found: string): AuthorityError {
  return new AuthorityError(
    'ADOPTION_REFUSED',
    `${found}; allowed with --adopt-ca: one self-signed CA certificate that is valid, and its key, at paths.ca_cert and paths.ca_key`,
  )
}
