export { type BadCertificate, badCertificates, type Fault } from './bad-certificates.ts'
export { type BadSctCertificate, badScts, promisedOnly } from './bad-scts.ts'
export { atEnd, Ending } from './ending.ts'
export { FixedClock } from './fixed-clock.ts'
export { freePort } from './free-port.ts'
export { seededRandom } from './seeded-random.ts'
export { type Answer, TestAuthority } from './test-authority.ts'
export { TestCa, type TestCaOptions, type TestOverrides } from './test-ca.ts'
export {
  signTestCertificate,
  type TestExtensions,
  type TestFields,
  type TestIdentity,
  testIdentity,
} from './test-certificate.ts'
export { testExtension } from './test-extensions.ts'
export { type Loggable, logsOf, TestLog } from './test-log.ts'
export { TestLogs } from './test-logs.ts'
export { type MemberChange, TestMesh, type TestMeshOptions, type TestServiceOptions } from './test-mesh.ts'
