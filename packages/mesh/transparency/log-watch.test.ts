import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, before, beforeEach, describe, test } from 'node:test'
import { encodeSct, encodeSctList, endOf } from '@datapunk/pki'
import { keyIdOf, pinOf } from '@datapunk/protocol'
import { FixedClock, logsOf, TestCa, type TestIdentity, TestLog } from '@datapunk/testkit'
import { LoggedCertificates } from '../gate/logged-certificates.ts'
import { type LogAlarm, LogWatch } from './log-watch.ts'
import { recallContradictions } from './recall.ts'
import { WitnessMemory } from './witness-memory.ts'

const ORIGIN = 'log.test/1'

let ca: TestCa

before(async () => {
  ca = await TestCa.create()
})

describe('whoever watches a log', () => {
  let log: TestLog
  let served: Map<string, Uint8Array>
  let isDown: boolean
  let isSilent: boolean
  let folder: string
  let clock: FixedClock
  let alarms: LogAlarm[]
  let changes: number
  let watch: LogWatch
  let logged: LoggedCertificates
  let pins: Set<string> | undefined
  let revoked: Set<string>
  let later: [delay: number, act: () => void][]

  const serve = async () => {
    served = await log.files(ORIGIN, clock.now())
  }

  /** The same service, started anew. */
  const start = () => {
    logged = new LoggedCertificates()
    watch = new LogWatch({
      clock: {
        now: () => clock.now(),
        after: (delay, act) => {
          later.push([delay, act])
          return () => {}
        },
      },
      random: (size) => Buffer.alloc(size),
      read: (_, signal) => async (path) => {
        if (isSilent && !signal.aborted) await once(signal, 'abort')
        signal.throwIfAborted()
        const octets = served.get(path)
        if (isDown || octets === undefined) throw new Error(`no ${path}`)
        return octets
      },
      memory: new WitnessMemory(folder),
      logged,
      ownNames: () => ({
        spiffeId: `spiffe://${ca.trustDomain}/lake`,
        dnsNames: [`lake.${ca.trustDomain}`],
        pins,
        isRevoked: (serial) => revoked.has(serial),
      }),
      alarm: (alarm) => alarms.push(alarm),
      changed: () => {
        changes++
      },
    })
    watch.follow([{ spki: log.signer.spki, origin: ORIGIN }])
  }

  /** Somebody shows a certificate. @returns why it is refused */
  const show = (leaf: TestIdentity) => {
    const certificate = {
      fingerprint: leaf.certificate.serial,
      leaf: leaf.certificate,
      issuerSpki: ca.issuing.certificate.spki,
    }
    const found = logged.of(certificate, { logs: logsOf(log), latest: clock.now() })
    assert.ok('sct' in found, 'its SCT is good')
    return logged.objection(found)
  }

  /** A certificate with an SCT that the true log has signed, for a place where it is not. */
  const promised = (leafIndex: number) =>
    ca.leafWithScts('nexus', async (loggable) =>
      encodeSctList([encodeSct(await log.promise(loggable, ca.at, leafIndex))]),
    )

  /** The time goes by in which the pin of a new key comes. */
  const waitForPins = () => {
    for (const [delay, act] of later.splice(0)) if (delay === 5_000) act()
  }

  const kinds = () => alarms.map(({ kind }) => kind)
  const sizeSeen = () => [...watch.witnesses][0]?.checkpoint?.size

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'log-watch-'))
    clock = new FixedClock(ca.at)
    log = await TestLog.create()
    isDown = false
    isSilent = false
    alarms = []
    changes = 0
    pins = undefined
    revoked = new Set()
    later = []
    start()
  })

  afterEach(async () => {
    await watch.stop()
    await rm(folder, { recursive: true })
  })

  test('finds a certificate where its SCT says that it is, in logs of every size', async () => {
    for (const entries of [1, 2, 255, 1, 1, 300]) {
      const before = log.leaves.length
      const leaf = await ca.loggedLeaf('nexus', log)
      for (let n = 1; n < entries; n++) log.leaves.push(log.leaves[0]!)
      await serve()
      assert.equal(show(leaf), undefined)
      await watch.look()
      assert.deepEqual([alarms, sizeSeen()], [[], before + entries])
    }
  })

  test('raises an alarm where it is not there, and believes it no more', async () => {
    const own = await ca.loggedLeaf('nexus', log)
    await serve()
    const stolen = await promised(0)
    assert.equal(show(stolen), undefined, 'a promise is believed at first')
    show(own)
    await watch.look()
    assert.deepEqual(
      alarms.map(({ kind, serial, origin }) => [kind, serial, origin]),
      [['absent', stolen.certificate.serial, ORIGIN]],
    )
    assert.match(alarms[0]!.checkpoints[0]!, /^log\.test\/1\n1\n/)
    assert.match(show(stolen)!, /not at place 0/)
    assert.equal(show(own), undefined)
  })

  test('waits a minute for what was promised and does not come', async () => {
    await ca.loggedLeaf('lake', log)
    await serve()
    const stolen = await promised(5)
    show(stolen)
    await watch.look()
    clock.advance(59_000)
    await watch.look()
    assert.deepEqual([alarms, show(stolen)], [[], undefined])
    clock.advance(1_000)
    await watch.look()
    assert.deepEqual(kinds(), ['absent'])
    assert.match(show(stolen)!, /does not hold yet/)
  })

  test('takes back what it has said of a certificate that comes late', async () => {
    await ca.loggedLeaf('lake', log)
    await serve()
    const late = await ca.loggedLeaf('nexus', log)
    const stolen = await promised(1)
    for (const leaf of [late, stolen]) show(leaf)
    clock.advance(60_000)
    await watch.look()
    await watch.look()
    assert.deepEqual(kinds(), ['absent', 'absent'])
    for (const leaf of [late, stolen]) assert.match(show(leaf)!, /does not hold yet/)
    const told = changes
    await serve()
    await watch.look()
    assert.equal(show(late), undefined)
    assert.ok(changes > told, 'whoever was refused is judged anew')
    assert.match(show(stolen)!, /not at place 1/)
    assert.equal(alarms.length, 3)
    await watch.look()
    assert.equal(alarms.length, 3)
  })

  test('looks for so many at once and no more, and of those that do not come for the last', async () => {
    await ca.loggedLeaf('lake', log)
    await serve()
    const { certificate: leaf } = await promised(5)
    const issuerSpki = ca.issuing.certificate.spki
    const showAs = (fingerprint: number) =>
      logged.of(
        { fingerprint: `${fingerprint}`, leaf, issuerSpki },
        { logs: logsOf(log), latest: clock.now() },
      )
    for (let each = 0; each < 4097; each++) showAs(each)
    clock.advance(60_000)
    await watch.look()
    assert.equal(alarms.length, 4096)
    showAs(4097)
    clock.advance(60_000)
    await watch.look()
    assert.equal(alarms.length, 4097)

    log.leaves.push(...Array(5).fill(log.leaves[0]))
    await serve()
    await watch.look()
    assert.equal(alarms.length, 4097 + 4096)
  })

  test('looks by itself: soon at first and at whoever comes, and else more than once a minute', async () => {
    const leaves = [await ca.loggedLeaf('nexus', log), await ca.loggedLeaf('nexus', log)]
    await serve()
    const [first, look] = later.at(-1)!
    look()
    await watch.look()
    assert.deepEqual([first, sizeSeen(), later.at(-1)![0]], [1_000, 2, 22_500])
    show(leaves[0]!)
    const looks = later.length
    clock.advance(500)
    show(leaves[1]!)
    assert.deepEqual([later.length, later.at(-1)![0]], [looks, 1_000], 'not put off by whoever comes next')
  })

  test('raises no alarm while nobody can be asked, however long', async () => {
    const leaf = await ca.loggedLeaf('nexus', log)
    await serve()
    isDown = true
    show(leaf)
    for (let looks = 0; looks < 5; looks++) {
      clock.advance(600_000)
      await watch.look()
    }
    assert.deepEqual([alarms, show(leaf)], [[], undefined])
    isDown = false
    await watch.look()
    assert.equal(sizeSeen(), 1)
  })

  test('takes what is signed by nobody for nothing: another’s checkpoint, tiles of no tree', async () => {
    const leaf = await ca.loggedLeaf('nexus', log)
    await serve()
    await watch.look()
    await ca.loggedLeaf('lake', log)
    await serve()
    show(leaf)
    const whole = served
    const other = await TestLog.create()
    other.leaves.push(Buffer.alloc(32), Buffer.alloc(32))
    for (const [path, octets] of [
      ['checkpoint', (await other.files(ORIGIN, clock.now())).get('checkpoint')!],
      ['tile/0/000.p/2', Buffer.alloc(64, 1)],
      ['tile/0/000.p/2', Buffer.alloc(63)],
    ] as const) {
      served = new Map([...whole, [path, octets]])
      await watch.look()
      assert.deepEqual([alarms, show(leaf), sizeSeen()], [[], undefined, 1], path)
    }
    served = whole
    await watch.look()
    assert.deepEqual([alarms, sizeSeen()], [[], 2])
  })

  for (const [what, change] of [
    ['is shorter than it was', () => log.leaves.pop()],
    ['has lost its beginning', () => log.leaves.push(log.leaves.shift()!, Buffer.alloc(32))],
    ['is another one of the same length', () => log.leaves.reverse()],
  ] as const) {
    test(`raises an alarm where the log ${what}, and believes it no further, also after a restart`, async () => {
      const proven = await ca.loggedLeaf('nexus', log)
      for (let n = 0; n < 2; n++) await ca.loggedLeaf('lake', log)
      await serve()
      const consistent = served
      show(proven)
      await watch.look()
      clock.advance(1)
      change()
      const later = await ca.loggedLeaf('stream', log)
      await serve()
      if (what === 'is shorter than it was') log.leaves.pop()
      if (what !== 'has lost its beginning') log.leaves.length = Math.min(log.leaves.length, 3)
      await serve()
      const beyond = await promised(7)
      for (const leaf of [later, beyond]) show(leaf)
      await watch.look()
      await watch.look()
      assert.deepEqual(kinds(), ['contradiction'], 'once is enough')
      const [first, second] = alarms[0]!.checkpoints
      assert.ok(first!.startsWith(`${ORIGIN}\n3\n`) && second !== first && second!.startsWith(ORIGIN))
      assert.match(show(beyond)!, /contradicted itself/)
      assert.equal(show(proven), undefined, 'what was proven stays good')

      await watch.stop()
      start()
      show(beyond)
      await watch.look()
      assert.match(show(beyond)!, /contradicted itself/)
      assert.match(show(proven)!, /contradicted itself, and not proven/)
      served = consistent
      const told = changes
      await watch.look()
      assert.equal(show(proven), undefined, 'what can be proven in what it said before is good')
      assert.ok(changes > told, 'whoever was refused is judged anew')
      assert.match(show(beyond)!, /contradicted itself/)
    })
  }

  test('goes on from what it had seen before a restart', async () => {
    for (let n = 0; n < 3; n++) await ca.loggedLeaf('lake', log)
    await serve()
    await watch.look()
    await watch.stop()
    log.leaves.pop()
    clock.advance(1)
    await serve()
    start()
    await watch.look()
    assert.deepEqual(kinds(), ['contradiction'])
    assert.match(alarms[0]!.message, /a tree of 3 entries, and later one of 2/)
  })

  test('holds a log to when it has shown a tree first, however often it signs that again', async () => {
    for (let n = 0; n < 3; n++) await ca.loggedLeaf('lake', log)
    await serve()
    await watch.look()
    clock.advance(1000)
    await serve()
    await watch.look()
    clock.advance(-500)
    log.leaves.pop()
    await serve()
    await watch.look()
    assert.deepEqual(kinds(), ['contradiction'])
    assert.match(alarms[0]!.message, /a tree of 3 entries, and later one of 2/)
  })

  test('takes an older checkpoint for nothing, however long it is shown, also after a restart', async () => {
    for (let n = 0; n < 3; n++) await ca.loggedLeaf('lake', log)
    await serve()
    const older = served.get('checkpoint')!
    clock.advance(1000)
    const leaf = await ca.loggedLeaf('nexus', log)
    await serve()
    await watch.look()
    const whole = served
    clock.advance(1000)
    const late = await ca.loggedLeaf('stream', log)
    for (let starts = 0; starts < 2; starts++) {
      served = new Map([...whole, ['checkpoint', older]])
      show(leaf)
      show(late)
      for (let looks = 0; looks < 3; looks++) {
        clock.advance(60_000)
        await watch.look()
      }
      assert.deepEqual([alarms, sizeSeen(), show(late)], [[], 4, undefined])
      await watch.stop()
      start()
    }
    await serve()
    show(late)
    await watch.look()
    assert.deepEqual([alarms, sizeSeen(), show(late)], [[], 5, undefined])
  })

  test('raises an alarm where an older tree does not agree', async () => {
    for (let n = 0; n < 3; n++) await ca.loggedLeaf('lake', log)
    await serve()
    await watch.look()
    const whole = served
    log.leaves.length = 2
    log.leaves.reverse()
    clock.advance(-1)
    const fork = (await log.files(ORIGIN, clock.now())).get('checkpoint')!
    served = new Map([...whole, ['checkpoint', fork]])
    await watch.look()
    assert.deepEqual(kinds(), ['contradiction'])
    assert.match(alarms[0]!.message, /two trees, of 3 and 2 entries, that do not agree/)
  })

  for (const silent of [false, true]) {
    const how = silent ? 'waits for a log that is silent' : 'reads one'
    test(`has ended when it is told to while it ${how}: nothing is written afterwards`, async () => {
      await ca.loggedLeaf('lake', log)
      await serve()
      await watch.look()
      await ca.loggedLeaf('lake', log)
      await serve()
      isSilent = silent
      const waiting = later.length
      let hasEnded = false
      void watch.look().then(() => {
        hasEnded = true
      })
      await watch.stop()
      assert.ok(hasEnded)
      assert.equal(later.length, waiting, 'nor is it looked at again')
    })
  }

  test('follows a log that takes the place of another', async () => {
    const old = log
    const leaf = await ca.loggedLeaf('nexus', log)
    await serve()
    show(leaf)
    await watch.look()
    log = await TestLog.create()
    watch.follow([
      { spki: old.signer.spki, origin: ORIGIN },
      { spki: log.signer.spki, origin: ORIGIN },
    ])
    await ca.loggedLeaf('nexus', log)
    await serve()
    await watch.look()
    assert.deepEqual(
      [...watch.witnesses].map(({ checkpoint }) => checkpoint?.size),
      [1, 1],
    )
    assert.deepEqual(alarms, [])
  })

  test('looks no more for what a log has promised that is followed no more', async () => {
    const leaf = await ca.loggedLeaf('nexus', log)
    isDown = true
    show(leaf)
    await watch.look()
    const [whileSought] = later.at(-1)!
    log = await TestLog.create()
    await logUnasked(await ca.leaf('nexus'))
    isDown = false
    await serve()
    watch.follow([{ spki: log.signer.spki, origin: ORIGIN }])
    await watch.look()
    assert.ok(later.at(-1)![0] > 4 * whileSought, `${later.at(-1)![0]} ms after ${whileSought}`)
    assert.deepEqual(alarms, [])
  })

  /** Logs what nobody here has asked for. */
  const logUnasked = async ({ certificate }: TestIdentity) => {
    const issuerSpki = ca.issuing.certificate.spki
    await log.sct({ tbs: certificate.tbs, issuerSpki, precertificate: certificate.der }, ca.at)
  }

  test('raises an alarm at a certificate for this service and another’s key, once it is logged', async () => {
    pins = new Set()
    const own = await ca.leaf('lake')
    pins.add(pinOf(keyIdOf(own.certificate.spki)))
    const before = await ca.leaf('lake')
    await logUnasked(before)
    await serve()
    await watch.look()
    await watch.look()
    assert.deepEqual(kinds(), [], 'what was there before it came is not news')
    const held = await ca.leaf('lake')
    watch.holds(held.certificate)
    const strange = await ca.leaf('lake')
    const hurried = await ca.leaf('lake')
    for (const leaf of [own, held, await ca.leaf('nexus'), strange, hurried]) await logUnasked(leaf)
    await serve()
    await watch.look()
    assert.deepEqual(kinds(), [])
    pins.add(pinOf(keyIdOf(hurried.certificate.spki)))
    waitForPins()
    assert.deepEqual(
      alarms.map(({ kind, serial }) => [kind, serial]),
      [['misissued', strange.certificate.serial]],
    )
    await watch.look()
    assert.equal(alarms.length, 1)

    // Also what came while it was away.
    await watch.stop()
    const away = await ca.leaf('lake')
    await logUnasked(away)
    await serve()
    start()
    await watch.look()
    waitForPins()
    assert.equal(alarms.at(-1)?.serial, away.certificate.serial)

    // And what it could not read any more after it had kept the checkpoint.
    const late = await ca.leaf('lake')
    await logUnasked(late)
    await serve()
    const data = [...served.keys()].filter((path) => path.startsWith('tile/data/'))
    const whole = served
    served = new Map([...served].filter(([path]) => !data.includes(path)))
    await watch.look()
    assert.equal(sizeSeen(), log.leaves.length)
    await watch.stop()
    served = whole
    start()
    await watch.look()
    waitForPins()
    assert.equal(alarms.at(-1)?.serial, late.certificate.serial)
  })

  test('reads of a log that has grown a lot at each look a part', async () => {
    pins = new Set()
    await logUnasked(await ca.leaf('nexus'))
    await serve()
    await watch.look()
    const filler = { tbs: Uint8Array.of(0), issuerSpki: ca.issuing.certificate.spki }
    while (log.leaves.length < 32 * 256) await log.sct(filler, ca.at)
    const strange = await ca.leaf('lake')
    await logUnasked(strange)
    await serve()
    await watch.look()
    waitForPins()
    assert.deepEqual(alarms, [])
    await watch.look()
    waitForPins()
    assert.deepEqual(
      alarms.map(({ serial }) => serial),
      [strange.certificate.serial],
    )
  })

  test('decides after a restart of what it had not decided of before, all of a look at once', async () => {
    pins = new Set()
    await logUnasked(await ca.leaf('nexus'))
    await serve()
    await watch.look()
    const strangers = [await ca.leaf('lake'), await ca.leaf('lake')]
    for (const leaf of [await ca.leaf('nexus'), ...strangers]) await logUnasked(leaf)
    await serve()
    await watch.look()
    await watch.look()
    assert.equal(later.filter(([delay]) => delay === 5_000).length, 1)
    await watch.stop()
    waitForPins()
    assert.deepEqual(alarms, [])

    start()
    await watch.look()
    waitForPins()
    const told = () => alarms.map(({ serial }) => serial)
    const serials = strangers.map(({ certificate }) => certificate.serial)
    assert.deepEqual(told(), serials)
    await watch.stop()
    start()
    await watch.look()
    waitForPins()
    assert.deepEqual(told(), serials, 'once is enough')
  })

  test('says nothing of one that was revoked or has ended, whose key the bundle names no more', async () => {
    pins = new Set()
    await logUnasked(await ca.leaf('nexus'))
    await serve()
    await watch.look()
    const lost = await ca.leaf('lake')
    const ended = await ca.leaf('lake')
    for (const leaf of [lost, ended]) await logUnasked(leaf)
    await serve()
    await watch.look()
    revoked.add(lost.certificate.serial)
    waitForPins()
    assert.deepEqual(
      alarms.map(({ serial }) => serial),
      [ended.certificate.serial],
      'it had not ended yet',
    )

    await watch.stop()
    await logUnasked(ended)
    await serve()
    clock.set(endOf(ended.certificate.notAfter))
    start()
    await watch.look()
    waitForPins()
    assert.equal(alarms.length, 1)
  })

  test('believes a log that has contradicted itself no further from its next start on', async () => {
    await ca.loggedLeaf('nexus', log)
    await serve()
    await watch.look()
    log.leaves[0] = Buffer.alloc(32, 1)
    const after = await ca.loggedLeaf('nexus', log)
    await serve()
    await watch.look()
    assert.deepEqual(kinds(), ['contradiction'])
    await watch.stop()
    start()
    const logs = [{ spki: log.signer.spki, origin: ORIGIN }]
    await recallContradictions(logs, logged, new WitnessMemory(folder))
    assert.match(String(show(after)), /contradicted itself/)
  })
})
