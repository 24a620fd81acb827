import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodePem, type KeyAlgorithm, lint, type Sct, signLogged, signPrecertificate } from '@datapunk/pki'
import { TestCa, type TestIdentity, TestLog } from '@datapunk/testkit'

/** A leaf that was logged, with everything that others need to check it. */
export interface LoggedChain {
  readonly ca: TestCa
  /** Its own certificate is not the logged one, but what that was linted as. */
  readonly leaf: TestIdentity
  readonly log: TestLog
  readonly sct: Sct
  /** DER. */
  readonly precertificate: Uint8Array
  readonly final: Uint8Array
  /** PEM files. */
  readonly files: Readonly<Record<'root' | 'issuing' | 'precertificate' | 'final', string>>
  readonly folder: string
  remove(): void
}

/** Issues the certificate of `lake` as an authority does: linted, its precertificate logged, then signed with the SCT. */
export async function loggedChain(algorithm: KeyAlgorithm = 'ecdsa-p256'): Promise<LoggedChain> {
  const at = Math.floor(Date.now() / 1000) * 1000
  const [ca, log] = [await TestCa.create({ algorithm, at }), await TestLog.create()]
  const leaf = await ca.leaf('lake')
  const token = lint({ tbs: leaf.certificate.tbs, profile: 'leaf', issuer: ca.issuing.certificate })
  const precertificate = await signPrecertificate(token, ca.issuing.signer)
  const sct = await log.sct(precertificate, at)
  const final = await signLogged(precertificate, [sct], ca.issuing.signer)
  const folder = mkdtempSync(join(tmpdir(), 'logged-'))
  const lay = (name: string, der: Uint8Array) => {
    const file = join(folder, `${name}.pem`)
    writeFileSync(file, encodePem('CERTIFICATE', der))
    return file
  }
  return {
    ...{ ca, leaf, log, sct, precertificate: precertificate.der, final, folder },
    files: {
      root: lay('root', ca.root.der),
      issuing: lay('issuing', ca.issuing.der),
      precertificate: lay('precertificate', precertificate.der),
      final: lay('final', final),
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
