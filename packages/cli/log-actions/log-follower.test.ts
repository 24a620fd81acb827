import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import type { LogFinding, PromisedCertificate } from '@datapunk/authority'
import { withoutPoison } from '@datapunk/pki'
import { TestCa, type TestIdentity, TestLog, testExtension } from '@datapunk/testkit'
import { LogFollower } from './log-follower.ts'

const origin = 'log.test/1'

describe('whoever follows a log', () => {
  let ca: TestCa
  let log: TestLog
  let promised: PromisedCertificate[]
  let served: Map<string, Uint8Array>
  let found: LogFinding[]
  let entries: number[]
  let follower: LogFollower

  beforeEach(async () => {
    ca = await TestCa.create()
    log = await TestLog.create()
    served = new Map()
    promised = []
    found = []
    entries = []
    follower = new LogFollower(
      {
        log: { spki: log.signer.spki, origin },
        id: log.id,
        read: async (path) => served.get(path),
      },
      {
        promisedBy: () => promised,
        compareEntry: ({ leafIndex }) =>
          leafIndex === 7 ? [{ kind: 'alarm', leafIndex, serial: '07', message: 'not on record' }] : [],
      },
      { entry: ({ leafIndex }) => entries.push(leafIndex), finding: (finding) => found.push(finding) },
    )
  })

  const precertificate = () => ca.leaf('lake', { extensions: { poison: testExtension.poison() } })

  const add = async (leaf: TestIdentity) => {
    const { tbs, der } = leaf.certificate
    const issuerSpki = ca.issuing.certificate.spki
    await log.sct({ tbs: withoutPoison(tbs), issuerSpki, precertificate: der }, ca.at)
    served = await log.files(origin, ca.at)
  }
  const rowOf = ({ certificate: { serial, tbs } }: TestIdentity) => ({
    ...{ serial, instance: 'lake' },
    tbsHash: hash('sha256', withoutPoison(tbs)),
  })

  test('sees each entry once, and what the inventory says against it', async () => {
    for (let n = 0; n < 6; n++) await add(await precertificate())
    await follower.look(ca.at)
    assert.deepEqual([entries, follower.size], [[0, 1, 2, 3, 4, 5], 6])
    for (let n = 0; n < 3; n++) await add(await precertificate())
    await follower.look(ca.at)
    await follower.look(ca.at)
    assert.deepEqual(entries, [0, 1, 2, 3, 4, 5, 6, 7, 8])
    assert.deepEqual(
      found.map(({ leafIndex }) => leafIndex),
      [7],
    )
  })

  test('sees what is on record as logged and is not there, once', async () => {
    const [logged, missing] = [await precertificate(), await precertificate()]
    promised = [rowOf(logged), rowOf(missing)]
    await add(logged)
    await follower.look(ca.at)
    await follower.look(ca.at)
    assert.deepEqual(
      found.map(({ serial }) => serial),
      [missing.certificate.serial],
    )
  })

  for (const [what, change] of [
    ['is shorter than it was', () => log.leaves.pop()],
    ['has another beginning', () => log.leaves.reverse()],
  ] as const) {
    test(`sees that the log ${what}`, async () => {
      for (let n = 0; n < 3; n++) await add(await precertificate())
      await follower.look(ca.at)
      // Signed once more since, of which the time says nothing.
      served = await log.files(origin, ca.at + 2)
      await follower.look(ca.at)
      change()
      served = await log.files(origin, ca.at + 1)
      await follower.look(ca.at).catch(() => {})
      assert.match(found[0]?.message ?? '', /two trees.*`mtls compromise --log`/)
    })
  }

  test('is told that the log shows an older tree, and finds nothing by that', async () => {
    await add(await precertificate())
    const older = served.get('checkpoint')!
    await add(await precertificate())
    await follower.look(ca.at)
    const missing = await precertificate()
    promised = [rowOf(missing)]
    served.set('checkpoint', older)
    await assert.rejects(follower.look(ca.at), { code: 'LOG_UNREADABLE', message: /older than that of 2/ })
    await add(missing)
    await follower.look(ca.at)
    assert.deepEqual([entries, found], [[0, 1, 2], []])
  })

  test('is told where what the log shows is not what it has signed', async () => {
    await add(await precertificate())
    const [path, octets] = [...served].find(([path]) => path.startsWith('tile/data/'))!
    served.set(path, Buffer.from(octets).fill(1, 10, 20))
    await assert.rejects(follower.look(ca.at))
    assert.deepEqual([entries, found], [[], []])
  })
})
