import { verify } from 'node:crypto'
import {
  lint,
  parseCertificate,
  publicKeyOf,
  signCertificate,
  signLogged,
  signPrecertificate,
  verifyPath,
  verifyScts,
} from '@datapunk/pki'
import { logsOf, TestCa, TestLog } from '@datapunk/testkit'
import { inTurns, measured, ratio } from './measure.ts'
import { factor, microseconds, printRows, share } from './table.ts'

/**
 * What transparency adds in process, all keys P-256: to the check of a certificate at first sight, and to issuing, where a
 * precertificate is signed too.
 *
 *     taskset -c 0 node bench/scts.ts
 */
const [ca, log] = [await TestCa.create(), await TestLog.create()]
const [issuing, roots] = [ca.issuing.certificate, [ca.root.certificate]]
const { der } = await ca.loggedLeaf('lake', log)
const { tbs, signature } = parseCertificate(der)
const linted = (await ca.leaf('lake')).certificate.tbs
const sct = await log.sct({ tbs: linted, issuerSpki: issuing.spki }, ca.at)
const check = { issuerSpki: issuing.spki, logs: logsOf(log), latest: ca.at }
const known = parseCertificate(der)
const token = () => lint({ tbs: linted, profile: 'leaf', issuer: issuing })

const times = (work: () => unknown) => async (count: number) => {
  for (let done = 0; done < count; done++) await work()
}
const path = () =>
  verifyPath({
    ...{ leaf: parseCertificate(der), intermediates: [issuing], roots, at: ca.at },
    usage: 'serverAuth',
  })
const scts = () => {
  if (verifyScts(known, check).good.length !== 1) throw new Error('the SCT is good')
}
const costs = await inTurns(
  {
    verify: times(() => verify('sha256', tbs, publicKeyOf(issuing.spki), signature)),
    path: times(path),
    scts: times(scts),
    plain: times(() => signCertificate(token(), ca.issuing.signer)),
    logged: times(async () =>
      signLogged(await signPrecertificate(token(), ca.issuing.signer), [sct], ca.issuing.signer),
    ),
  },
  1000,
)

const firstSight = costs.path.map((micros, round) => micros + costs.scts[round]!)
printRows([
  {
    what: 'SCTs of a certificate with one',
    found: microseconds(measured(costs.scts)),
    limit: `${microseconds(measured(costs.verify))} crypto.verify`,
    ratio: factor(ratio(costs.scts, costs.verify)),
  },
  { what: 'parse and path of the same', found: microseconds(measured(costs.path)) },
  { what: 'share of the SCTs at first sight', found: share(ratio(costs.scts, firstSight)) },
  {
    what: 'precertificate and final certificate, linted',
    found: microseconds(measured(costs.logged)),
    limit: `${microseconds(measured(costs.plain))} certificate that is not logged`,
    ratio: factor(ratio(costs.logged, costs.plain)),
  },
])
