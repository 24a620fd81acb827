import { encodeSct, encodeSctList, type SctFault } from '@datapunk/pki'
import type { TestCa, TestOverrides } from './test-ca.ts'
import type { TestIdentity } from './test-certificate.ts'
import { TestLog } from './test-log.ts'

const hour = 60 * 60 * 1000

/** A certificate whose SCT has one fault. */
export interface BadSctCertificate {
  /** What is wrong, as a test would say it. */
  readonly fault: string
  /** What `verifyScts` says; undefined where it says nothing. */
  readonly code: SctFault | undefined
  /** Makes the certificate of `service`, good but for its SCT of `log`. */
  make(ca: TestCa, service: string, log: TestLog, overrides?: TestOverrides): Promise<TestIdentity>
}

/** Leaves that look like those of a service, but for the fault of their SCT. */
export const badScts = {
  missing: {
    fault: 'no SCT',
    code: undefined,
    make: (ca, service, _, overrides) => ca.leaf(service, overrides),
  },
  ofUnknownLog: {
    fault: 'an SCT of a log that nobody knows',
    code: 'LOG_UNKNOWN',
    make: async (ca, service, _, overrides) => ca.loggedLeaf(service, await TestLog.create(), overrides),
  },
  ofOtherCertificate: {
    fault: 'an SCT of another certificate',
    code: 'SIGNATURE_WRONG',
    async make(ca, service, log, overrides) {
      const { certificate } = await ca.leaf(service)
      const other = await log.sct({ tbs: certificate.tbs, issuerSpki: ca.issuing.certificate.spki }, ca.at)
      return ca.leafWithScts(service, async () => encodeSctList([encodeSct(other)]), overrides)
    },
  },
  fromTheFuture: {
    fault: 'an SCT that will be signed in an hour',
    code: 'FROM_THE_FUTURE',
    make: (ca, service, log, overrides) => ca.loggedLeaf(service, log, { ...overrides, sctAt: ca.at + hour }),
  },
  altered: {
    fault: 'an SCT whose time was altered',
    code: 'SIGNATURE_WRONG',
    make: (ca, service, log, overrides) =>
      ca.leafWithScts(
        service,
        async (loggable) => {
          const sct = await log.sct(loggable, ca.at)
          return encodeSctList([encodeSct({ ...sct, timestamp: sct.timestamp - 1 })])
        },
        overrides,
      ),
  },
  malformed: {
    fault: 'an SCT that ends too early',
    code: 'SCT_MALFORMED',
    make: (ca, service, log, overrides) =>
      ca.leafWithScts(
        service,
        async (loggable) => encodeSctList([encodeSct(await log.sct(loggable, ca.at)).subarray(0, -1)]),
        overrides,
      ),
  },
  listMalformed: {
    fault: 'a list of SCTs that ends too early',
    code: 'LIST_MALFORMED',
    make: (ca, service, log, overrides) =>
      ca.leafWithScts(
        service,
        async (loggable) => encodeSctList([encodeSct(await log.sct(loggable, ca.at))]).subarray(0, -1),
        overrides,
      ),
  },
} as const satisfies Record<string, BadSctCertificate>

/** Good to whoever does not look into the log. */
export const promisedOnly: BadSctCertificate = {
  fault: 'an SCT for a place in the log that another has',
  code: undefined,
  make: (ca, service, log, overrides) =>
    ca.leafWithScts(
      service,
      async (loggable) => encodeSctList([encodeSct(await log.promise(loggable, ca.at, 0))]),
      overrides,
    ),
}
