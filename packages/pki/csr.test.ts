import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkProofOfPossession, createCsr, parseCsr } from './csr.ts'
import { generateKeyPair, type KeyAlgorithm, keyAlgorithms } from './keys/key-algorithm.ts'
import { localSigner, type Signer } from './keys/signer.ts'
import { encodeName } from './name.ts'

const newSigner = async (algorithm: KeyAlgorithm = 'ecdsa-p256'): Promise<Signer> =>
  localSigner((await generateKeyPair(algorithm)).privateKey)
const subject = encodeName({ commonName: 'lake.service.datapunk' })

describe('certification requests', () => {
  for (const algorithm of Object.keys(keyAlgorithms) as KeyAlgorithm[]) {
    it(`of ${algorithm} come back, and prove possession`, async () => {
      const signer = await newSigner(algorithm)
      const csr = parseCsr(await createCsr({ subject, signer, dnsNames: ['lake.service.datapunk'] }))
      checkProofOfPossession(csr)
      assert.equal(csr.subject.commonName, 'lake.service.datapunk')
      assert.equal(csr.keyAlgorithm, algorithm)
      assert.deepEqual(csr.spki, signer.spki)
      assert.deepEqual(csr.extensions.subjectAltName?.dnsNames, ['lake.service.datapunk'])
    })
  }

  it('may ask for nothing', async () => {
    const csr = parseCsr(await createCsr({ subject, signer: await newSigner() }))
    assert.deepEqual(csr.extensions.all, [])
  })

  it('signed by another key prove nothing', async () => {
    const [signer, thief] = [await newSigner(), await newSigner()]
    const csr = parseCsr(await createCsr({ subject, signer: { ...thief, spki: signer.spki } }))
    assert.throws(() => checkProofOfPossession(csr), { code: 'CSR_POSSESSION_UNPROVEN' })
  })

  it('that were changed prove nothing', async () => {
    const der = await createCsr({ subject, signer: await newSigner() })
    const at = Buffer.from(der).indexOf('lake')
    der.set(Buffer.from('nexu'), at)
    assert.throws(() => checkProofOfPossession(parseCsr(der)), { code: 'CSR_POSSESSION_UNPROVEN' })
  })

  it('of another version, cut off or with octets after the end are refused', async () => {
    const der = await createCsr({ subject, signer: await newSigner() })
    assert.throws(() => parseCsr(der.subarray(0, -1)), { code: 'DER_INVALID' })
    assert.throws(() => parseCsr(Uint8Array.of(...der, 0)), { code: 'DER_INVALID' })
    der[Buffer.from(der).indexOf(Uint8Array.of(2, 1, 0)) + 2] = 1
    assert.throws(() => parseCsr(der), { code: 'CSR_MALFORMED' })
  })
})
