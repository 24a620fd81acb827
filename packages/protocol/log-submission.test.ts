import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateKeyPair, localSigner, type Signer } from '@datapunk/pki'
import fc from 'fast-check'
import { type LogSubmission, openLogSubmission, sealLogSubmission } from './log-submission.ts'
import { seal } from './sealed.ts'

const signerOf = async (): Promise<Signer> => localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
const [before, next, stranger] = [await signerOf(), await signerOf(), await signerOf()]

const said: LogSubmission = {
  meshId: '0a'.repeat(16),
  log: '1b'.repeat(32),
  kind: 'pre-chain',
  body: '2c'.repeat(32),
  at: Date.UTC(2026, 5, 1),
}

describe('what the authority says beside a submission', () => {
  it('is believed of any bundle key that is trusted', async () => {
    for (const signer of [before, next])
      assert.deepEqual(
        openLogSubmission(await sealLogSubmission(said, signer), [before.spki, next.spki]),
        said,
      )
  })

  it('is not believed of another key, nor changed, nor as another document', async () => {
    const invalid = { code: 'SIGNATURE_INVALID' }
    const bytes = await sealLogSubmission(said, stranger)
    assert.throws(() => openLogSubmission(bytes, [before.spki]), invalid)
    assert.throws(() => openLogSubmission(bytes, []), invalid)
    const { payload, ...rest } = JSON.parse(Buffer.from(bytes).toString())
    const changed = Buffer.from(payload, 'base64').toString().replace('pre-chain', 'chain')
    const forged = JSON.stringify({ ...rest, payload: Buffer.from(changed).toString('base64') })
    assert.throws(() => openLogSubmission(Buffer.from(forged), [stranger.spki]), invalid)
    const other = await seal('peer-hello/v1', Buffer.from(payload, 'base64'), [before])
    assert.throws(() => openLogSubmission(other, [before.spki]), { code: 'DOCUMENT_INVALID' })
  })

  it('has one shape', async () => {
    const bytes = await seal('log-submission/v1', Buffer.from(JSON.stringify({ ...said, more: 1 })), [before])
    assert.throws(() => openLogSubmission(bytes, [before.spki]), { code: 'DOCUMENT_INVALID' })
  })

  it('is a typed error or a document, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => assert.throws(() => openLogSubmission(bytes, [before.spki]), { code: 'DOCUMENT_INVALID' }),
      ),
    )
  })
})
