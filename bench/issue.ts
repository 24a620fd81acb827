import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { type Certificate, leafCertificate, lint, type Signer, signCertificate } from '@datapunk/pki'
import { TestCa } from '@datapunk/testkit'
import { inTurns, measured, ratio } from './measure.ts'
import { factor, perSecond, printRows, type Row } from './table.ts'

/**
 * Story 1: certificates issued, in process and unstored, against the bare signature and its check.
 *
 *     taskset -c 0 node bench/issue.ts
 */
const AT_ONCE = 64
const at = Date.now()
const names = {
  dnsNames: ['lake.service.datapunk'],
  uris: ['spiffe://service.datapunk/lake'],
  ipAddresses: [],
}
const subject = { commonName: 'lake.service.datapunk', organization: 'Datapunk', country: 'US' }
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const spki = publicKey.export({ type: 'spki', format: 'der' })
const message = randomBytes(600)

async function issueOne(issuer: Certificate, signer: Signer): Promise<Uint8Array> {
  const times = { notBefore: issuer.notBefore, notAfter: issuer.notBefore + 86_400_000 }
  const tbs = leafCertificate({ serial: randomBytes(16), issuer, subject, spki, ...times, ...names })
  return signCertificate(lint({ tbs, profile: 'leaf', issuer }), signer)
}

async function unstored(algorithm: 'ecdsa-p256' | 'rsa', count: number): Promise<Row[]> {
  const ca = await TestCa.create({ algorithm, at })
  const { certificate, signer, privateKey } = ca.issuing
  const signature = sign('sha256', message, privateKey)
  const times = (act: () => void) => (count: number) => {
    for (let done = 0; done < count; done++) act()
  }
  const costs = await inTurns(
    {
      issue: (count) => {
        let left = count
        const lane = async () => {
          while (left-- > 0) await issueOne(certificate, signer)
        }
        return Promise.all(Array.from({ length: AT_ONCE }, lane))
      },
      sign: times(() => sign('sha256', message, privateKey)),
      verify: times(() => verify('sha256', message, privateKey, signature)),
    },
    count,
  )
  const both = costs.sign.map((micros, round) => micros + costs.verify[round]!)
  const issue = measured(costs.issue)
  const key = algorithm === 'rsa' ? `RSA-${privateKey.asymmetricKeyDetails?.modulusLength}` : 'P-256'
  const rate = 1e6 / issue.median
  if (algorithm === 'rsa') {
    const share = ratio(costs.sign, costs.issue)
    const limit = `${perSecond(measured(costs.sign))} sign`
    const what = `issue in process, ${key} issuer, one core`
    return [
      {
        what,
        found: perSecond(issue),
        limit,
        ratio: factor(share),
        goal: '≥ 0.82',
        met: share.median >= 0.82,
      },
    ]
  }
  return [
    {
      what: `issue in process, ${key}, lint and self-check, one core`,
      found: perSecond(issue),
      limit: `${perSecond(measured(both))} sign + verify`,
      ratio: factor(ratio(both, costs.issue)),
      goal: '≥ 10,000/s',
      met: rate >= 10_000,
    },
  ]
}

// So many a round, that most rounds find the code compiled.
printRows([...(await unstored('ecdsa-p256', 8_000)), ...(await unstored('rsa', 2_000))])
