import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeSct, encodeSctList, type KeyAlgorithm } from '@datapunk/pki'
import { atEnd, type BadSctCertificate, badScts, TestLog } from '@datapunk/testkit'
import * as pkijs from 'pkijs'
import { type LoggedChain, loggedChain } from './logged-chain.ts'

/** A second opinion, from a library that cuts the list of SCTs out in its own way. */
async function opinions(
  { ca }: LoggedChain,
  der: Uint8Array,
  ...logs: readonly TestLog[]
): Promise<boolean[]> {
  return pkijs.verifySCTsForCertificate(
    pkijs.Certificate.fromBER(new Uint8Array(der)),
    pkijs.Certificate.fromBER(new Uint8Array(ca.issuing.der)),
    logs.map(({ id, signer }) => ({
      log_id: Buffer.from(id, 'hex').toString('base64'),
      key: Buffer.from(signer.spki).toString('base64'),
    })),
  )
}

for (const algorithm of [
  'rsa',
  'ecdsa-p256',
  'ecdsa-p384',
  'ed25519',
  'ml-dsa-65',
] satisfies KeyAlgorithm[]) {
  test(`pkijs finds the SCT of a ${algorithm} certificate valid`, async (t) => {
    const chain = await loggedChain(algorithm)
    atEnd(t, () => chain.remove())
    assert.deepEqual(await opinions(chain, chain.final, chain.log), [true])
  })
}

test('pkijs finds the SCTs of several logs valid', async (t) => {
  const [chain, other] = [await loggedChain(), await TestLog.create()]
  atEnd(t, () => chain.remove())
  const { der } = await chain.ca.leafWithScts('lake', async (loggable) => {
    const scts = await Promise.all([chain.log, other].map((log) => log.sct(loggable, chain.ca.at)))
    return encodeSctList(scts.map(encodeSct))
  })
  assert.deepEqual(await opinions(chain, der, chain.log, other), [true, true])
})

test('pkijs finds no SCT valid of those that we refuse for their signature', async (t) => {
  const chain = await loggedChain()
  atEnd(t, () => chain.remove())
  for (const [name, { code, make }] of Object.entries<BadSctCertificate>(badScts)) {
    if (code !== 'SIGNATURE_WRONG') continue
    const { der } = await make(chain.ca, 'lake', chain.log)
    assert.deepEqual(await opinions(chain, der, chain.log), [false], name)
  }
})
