import { createPrivateKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCsr, encodeName, encodePem, generateKeyPair, localSigner } from '@datapunk/pki'
import { TestCa } from '@datapunk/testkit'

/** One service; its CA keys lie in clear, because deriving a key from a passphrase takes long on purpose. */
const oneService = `trust_domain: service.datapunk
services:
  lake: { address: "127.0.0.1:8445" }
certificates: { key_algorithm: ecdsa-p256 }
authority: { store_ca_keys_in_clear: true, http: none, metrics: none, console: none }
`

/** Runs SQL on the inventory, as somebody might who can write to the state folder. */
const tamper = `import { DatabaseSync } from 'node:sqlite'
new DatabaseSync('certs/.mtls/authority/inventory.db').exec(process.argv[2])
`

/** What the transcripts find in their folder. */
export async function prepareFiles(folder: string): Promise<void> {
  const write = (name: string, content: string | Uint8Array, mode = 0o644) =>
    writeFileSync(join(folder, name), content, { mode })
  write('one.yaml', oneService)
  write('two.yaml', oneService.replace('certificates:', '  stream: {}\ncertificates:'))
  write('none.yaml', oneService.replace(/ {2}lake: .*\n/, '').replace('services:', 'services: {}'))
  write('sealed.yaml', oneService.replace('store_ca_keys_in_clear: true', 'passphrase_file: passphrase'))
  write('tamper.mjs', tamper)
  write('passphrase', 'correct horse battery staple\n', 0o600)

  const { privateKey } = await generateKeyPair('ecdsa-p256')
  const subject = encodeName({ commonName: 'whatever.example' })
  const csr = await createCsr({ subject, signer: localSigner(privateKey), dnsNames: ['other.example'] })
  write('lake.csr', encodePem('CERTIFICATE REQUEST', csr))
  const last = csr.length - 1
  write('broken.csr', encodePem('CERTIFICATE REQUEST', csr.with(last, (csr[last] as number) ^ 1)))

  const other = await TestCa.create({ at: Date.now() })
  const leaf = await other.leaf('lake')
  write('other-root.crt', other.root.pem)
  write('other-root.key', other.root.keyPem, 0o600)
  const theirs = { cipher: 'aes-256-cbc', passphrase: 'theirs', type: 'pkcs8', format: 'pem' } as const
  write('other-root.encrypted.key', createPrivateKey(other.root.keyPem).export(theirs), 0o600)
  write('other-lake.crt', other.chainPem(leaf))
  write('other-lake.der', leaf.der)
  write('other-lake.key', leaf.keyPem, 0o600)
  write('cut.crt', leaf.pem.slice(0, 400))
}
