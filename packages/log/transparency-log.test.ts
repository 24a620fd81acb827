import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { cp, open } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { PkiErrorCode } from '@datapunk/pki'
import { TestCa, type TestIdentity, testExtension } from '@datapunk/testkit'
import { EMPTY_EDGE, growTree, HASH_SIZE, type LogStore } from '@datapunk/tlog'
import { DiskStore } from './disk-store.ts'
import { LogMesh } from './testing/log-mesh.ts'
import type { SubmissionKind, TransparencyLog } from './transparency-log.ts'

let logMesh: LogMesh
let log: TransparencyLog
let precertificate: TestIdentity

beforeEach(async () => {
  logMesh = await LogMesh.create()
  log = await logMesh.open()
  precertificate = (await logMesh.precertificates(1))[0]!
})

afterEach(async () => {
  await log.close()
  await logMesh.remove()
})

const submit = (...identities: readonly TestIdentity[]) => log.submit(logMesh.chainOf(...identities))

/** The same log, in a process that came later. */
async function reopened(overrides: Parameters<LogMesh['open']>[0] = {}): Promise<TransparencyLog> {
  await log.close()
  log = await logMesh.open(overrides)
  return log
}

describe('a log answers', () => {
  it('a precertificate with an SCT, when everybody can see it', async () => {
    const sct = await submit(precertificate)
    assert.equal(logMesh.checkSct(sct, precertificate, log.spki), 0)
    const { serial } = precertificate.certificate
    assert.equal(await logMesh.check(log, new Map([[serial, sct]])), 1)
    assert.equal(log.checkpoint?.size, 1)
  })

  it('a final certificate too, which is another entry', async () => {
    const leaf = await logMesh.mesh.leaf('lake')
    const sct = await log.submit(logMesh.chainOf(leaf), 'chain')
    assert.equal(await logMesh.check(log, new Map([[leaf.certificate.serial, sct]])), 1)
  })

  it('what it has seen before with its first SCT, whatever came between', async () => {
    const [first, same] = await Promise.all([submit(precertificate), submit(precertificate)])
    assert.deepEqual(first, same)
    const [other] = await logMesh.precertificates(1)
    await submit(other!)
    logMesh.now += 1000
    await reopened()
    assert.deepEqual(await submit(precertificate), first)
    assert.equal(await logMesh.check(log), 2)
  })

  it('what was submitted before it was closed', async () => {
    const [other] = await logMesh.precertificates(1)
    const scts = [submit(precertificate), submit(other!)]
    await log.close()
    assert.equal((await Promise.all(scts)).length, 2)
    assert.equal(await logMesh.check(log), 2)
  })

  it('whoever floods it that it can take no more', async () => {
    await submit(precertificate)
    const [other] = await logMesh.precertificates(1)
    const answers = await Promise.allSettled(Array.from({ length: 4200 }, () => submit(other!)))
    const refused = answers.filter(({ status }) => status === 'rejected')
    assert.equal(refused.length, 4200 - 4096)
    for (const each of refused) assert.equal((each as PromiseRejectedResult).reason.code, 'LOG_BUSY')
    assert.equal(await logMesh.check(log), 2)
  })
})

describe('a log that is asked for a tree', () => {
  const fork = new Uint8Array(32)
  let beginnings: { readonly size: number; readonly root: Uint8Array }[]
  let tile: string

  /** Trees of 1 and of 5 entries were published, and none between. */
  beforeEach(async () => {
    await submit(precertificate)
    await Promise.all((await logMesh.precertificates(4)).map((each) => submit(each)))
    tile = join(log.folder.public, 'tile/0/000.p/5')
    const octets = readFileSync(tile)
    const leaves = Array.from({ length: 5 }, (_, at) => octets.subarray(at * HASH_SIZE, (at + 1) * HASH_SIZE))
    beginnings = [0, 1, 2, 3, 4, 5].map((size) => growTree(EMPTY_EDGE, leaves.slice(0, size)))
  })

  it('has held each of its beginnings, and no other, whether or not it was published', async () => {
    for (const { size, root } of [...beginnings, ...beginnings]) {
      assert.equal(await log.holds({ size, root }), true)
      assert.equal(await log.holds({ size, root: fork }), false, `a fork of ${size}`)
    }
    assert.equal(await log.holds({ size: 6, root: beginnings[5]!.root }), false)
  })

  it('does not need the partial tiles of before', async () => {
    rmSync(join(log.folder.public, 'tile/0/000.p/1'))
    assert.equal(await log.holds(beginnings[1]!), true)
    assert.equal(await log.holds({ size: 1, root: fork }), false)
  })

  it('says yes while its disk can’t be read, and asks it again', async () => {
    const octets = readFileSync(tile)
    for (const damage of [() => rmSync(tile), () => writeFileSync(tile, octets.subarray(1))]) {
      damage()
      assert.equal(await log.holds({ size: 3, root: fork }), true)
      writeFileSync(tile, octets)
      assert.equal(await log.holds({ size: 3, root: fork }), false)
    }
  })
})

describe('a log refuses', () => {
  async function refuses(rule: PkiErrorCode, chain: readonly Uint8Array[], kind?: SubmissionKind) {
    await assert.rejects(log.submit(chain, kind), (error: Error & { code?: string; data?: unknown }) => {
      assert.equal(error.code, 'SUBMISSION_REFUSED', error.message)
      assert.deepEqual(error.data, { rule })
      return true
    })
    assert.equal(log.checkpoint, undefined)
  }

  it('what is no chain', async () => {
    const { root, issuing } = logMesh.mesh.ca
    await refuses('SUBMISSION_NOT_A_CHAIN', [])
    await refuses('SUBMISSION_NOT_A_CHAIN', [precertificate.der, root.der, issuing.der])
    await refuses('DER_INVALID', [Buffer.from('no certificate')])
    await refuses('DER_INVALID', [precertificate.der.subarray(1), issuing.der])
  })

  it('a chain to a root that is not of its mesh', async () => {
    const foreign = await TestCa.create({ seed: 'foreign', at: logMesh.mesh.ca.at })
    const leaf = await foreign.leaf('lake', { extensions: { poison: testExtension.poison() } })
    await refuses('SUBMISSION_ROOT_UNKNOWN', [leaf.der, foreign.issuing.der])
    await refuses('SUBMISSION_ROOT_UNKNOWN', [leaf.der, foreign.issuing.der, foreign.root.der])
  })

  it('a final certificate as a precertificate, and the other way round', async () => {
    const leaf = await logMesh.mesh.leaf('lake')
    await refuses('SUBMISSION_POISON_MISSING', logMesh.chainOf(leaf))
    await refuses('SUBMISSION_POISONED', logMesh.chainOf(precertificate), 'chain')
  })

  it('10 MB', async () => {
    await refuses('SUBMISSION_TOO_LARGE', [precertificate.der, new Uint8Array(10_000_000)])
    await refuses('SUBMISSION_TOO_LONG', Array(10_000).fill(precertificate.der))
  })

  it('what is expired', async () => {
    logMesh.now = precertificate.certificate.notAfter + 60_000
    await refuses('CERTIFICATE_EXPIRED', logMesh.chainOf(precertificate))
  })
})

describe('the roots of a log', () => {
  it('are those that trust statements name, from when they are announced', async () => {
    const { ca } = logMesh.mesh
    const next = await TestCa.create({ seed: 'next', at: ca.at })
    const leaf = await next.leaf('lake', { extensions: { poison: testExtension.poison() } })
    const chain = [leaf.der, next.issuing.der]
    await assert.rejects(log.submit(chain), { code: 'SUBMISSION_REFUSED' })
    assert.equal(await log.takes(next.root.der), false)
    await logMesh.mesh.trust({ roots: [ca.root.certificate, next.root.certificate] }, [next.root])
    assert.equal(await log.takes(next.root.der), true)
    await log.submit(chain)
    await submit(precertificate)
    assert.equal(await logMesh.check(log), 2)
  })

  it('are not looked for in what is no file, nor in a large one', async () => {
    const { mesh } = logMesh.mesh.layout
    const file = mesh.trustStatement({ generation: 1, counter: 2 })
    const { trusted } = log
    for (const make of [
      () => execFileSync('mkfifo', [file]),
      () => symlinkSync('/dev/zero', file),
      () => mkdirSync(file),
      () => writeFileSync(file, Buffer.alloc(2_000_000)),
    ]) {
      make()
      await assert.rejects(trusted.refresh(), { code: 'LOG_UNREADABLE' })
      rmSync(file, { recursive: true })
    }
    for (let counter = 2; counter < 600; counter++)
      writeFileSync(mesh.trustStatement({ generation: 1, counter }), '{}')
    await assert.rejects(trusted.refresh(), { code: 'LOG_UNREADABLE', message: /allowed: 512/ })
  })

  it('are not those of a statement that no root before it signed', async () => {
    const next = await TestCa.create({ seed: 'next', at: logMesh.mesh.ca.at })
    await submit(precertificate)
    const { mesh } = logMesh.mesh.layout
    const foreign = await LogMesh.create()
    await foreign.mesh.trust({ roots: [next.root.certificate] }, [next.root])
    await cp(foreign.mesh.layout.mesh.trustDir, mesh.trustDir, { recursive: true })
    await foreign.remove()
    const leaf = await next.leaf('lake', { extensions: { poison: testExtension.poison() } })
    await assert.rejects(log.submit([leaf.der, next.issuing.der]), { code: 'LOG_UNREADABLE' })
  })
})

describe('the folder of a log', () => {
  it('has a key that its owner alone can read, and objects for everybody', async () => {
    await submit(precertificate)
    const { key, lock, dir, public: shown } = log.folder
    assert.equal(statSync(key).mode & 0o777, 0o600)
    // Whoever may read it may lock it.
    assert.equal(statSync(lock).mode & 0o777, 0o600)
    await log.close()
    chmodSync(lock, 0o644)
    await reopened()
    assert.equal(statSync(lock).mode & 0o777, 0o600)
    for (const place of [dir, shown, join(shown, 'tile/0')]) assert.equal(statSync(place).mode & 0o005, 0o005)
    assert.equal(statSync(join(shown, 'checkpoint')).mode & 0o004, 0o004)
    chmodSync(key, 0o640)
    await log.close()
    await assert.rejects(logMesh.open(), { code: 'PERMISSIONS', message: /chmod 600/ })
    chmodSync(key, 0o600)
    await reopened()
  })

  it('is whole, and there after a power failure, before anything is answered', async (t) => {
    const handle = await open(logMesh.mesh.folder)
    const handles = Object.getPrototypeOf(handle)
    await handle.close()
    const synced = new Set<number>()
    t.mock.method(handles, 'sync', async function (this: typeof handle) {
      synced.add((await this.stat()).ino)
    })
    const before = log.folder.dir
    await reopened({ fresh: true })
    for (const folder of [log.folder.dir, before, logMesh.mesh.layout.logsDir])
      assert.ok(synced.has(statSync(folder).ino), folder)
  })

  it('takes the place of what a crash has left of one that was being made', async () => {
    await log.close()
    const { logsDir } = logMesh.mesh.layout
    rmSync(logsDir, { recursive: true })
    mkdirSync(join(logsDir, 'new'), { recursive: true })
    writeFileSync(join(logsDir, 'new', 'key.pem'), '')
    log = await logMesh.open()
    await submit(precertificate)
    assert.equal(await logMesh.check(log), 1)
  })

  it('of one that has ended blocks the next by nothing, and without that it says what to do', async () => {
    const ended = log.folder
    await reopened({ fresh: true })
    const { id } = log
    writeFileSync(ended.about, '{')
    await reopened()
    assert.equal(log.id, id)
    writeFileSync(log.folder.about, '{')
    await log.close()
    const told = { code: 'LOG_INVALID', message: /Put it back.*`mtls rotate --log`.*`mtls log serve --new`/ }
    await assert.rejects(logMesh.open(), told)
    await reopened({ fresh: true })
    assert.notEqual(log.id, id)
    await submit(precertificate)
  })

  it('is of one process at a time', async () => {
    await assert.rejects(logMesh.open(), { code: 'LOG_TAKEN' })
    await submit(precertificate)
  })

  it('is another one for another generation of its mesh, or another mesh', async () => {
    await submit(precertificate)
    const before = { id: log.folder.dir, spki: log.spki, origin: log.origin }
    for (const other of [{ generation: 2 }, { meshId: '01' }]) {
      await reopened(other)
      assert.notEqual(log.folder.dir, before.id)
      assert.notEqual(log.origin, before.origin)
      assert.equal(log.checkpoint, undefined)
    }
    await reopened()
    assert.deepEqual({ id: log.folder.dir, spki: log.spki, origin: log.origin }, before)
  })

  it('is left as it is when a fresh one takes its place', async () => {
    await submit(precertificate)
    const before = log.folder
    await reopened({ fresh: true })
    assert.notEqual(log.folder.dir, before.dir)
    assert.equal(JSON.parse(readFileSync(before.about, 'utf8')).readOnly, true)
    assert.ok(existsSync(join(before.public, 'checkpoint')))
    const fresh = log.folder.dir
    await reopened()
    assert.equal(log.folder.dir, fresh)
  })
})

describe('the checkpoint of a log', () => {
  it('is written again where somebody has removed or emptied it, and what it speaks of is there', async () => {
    const sct = await submit(precertificate)
    const checkpoint = join(log.folder.public, 'checkpoint')
    const signed = readFileSync(checkpoint)
    for (const damage of [() => rmSync(checkpoint), () => writeFileSync(checkpoint, '')]) {
      await log.close()
      damage()
      log = await logMesh.open()
      assert.deepEqual(readFileSync(checkpoint), signed)
    }
    assert.equal(await logMesh.check(log, new Map([[precertificate.certificate.serial, sct]])), 1)
  })
})

describe('a log does not go on', () => {
  async function isDamaged(repair?: () => void): Promise<void> {
    await log.close()
    await assert.rejects(logMesh.open(), { code: 'LOG_DAMAGED', message: /mtls rotate --log/ })
    if (repair === undefined) return
    repair()
    log = await logMesh.open()
  }

  it('from tiles or entries that were altered', async () => {
    await submit(precertificate)
    for (const name of ['tile/0/000.p/1', 'tile/data/000.p/1']) {
      const file = join(log.folder.public, name)
      const octets = readFileSync(file)
      writeFileSync(file, Buffer.from(octets).fill(0, 20, 30))
      await isDamaged(() => writeFileSync(file, octets))
      rmSync(file)
      await isDamaged(() => writeFileSync(file, octets))
    }
  })

  it('from data that were put back to what they were', async () => {
    await submit(precertificate)
    const { public: shown } = log.folder
    const backup = `${shown}.backup`
    await cp(shown, backup, { recursive: true })
    await submit((await logMesh.precertificates(1))[0]!)
    rmSync(shown, { recursive: true })
    await cp(backup, shown, { recursive: true })
    await isDamaged()
  })

  for (const [name, code] of [
    ['key.pem', 'LOG_WRONG'],
    ['log.json', 'LOG_INVALID'],
    ['public/checkpoint', 'LOG_DAMAGED'],
    ['public/tile/0/000.p/1', 'LOG_DAMAGED'],
  ] as const)
    it(`where ${name} is a named pipe, a device or a folder, and waits for none of them`, async () => {
      await submit(precertificate)
      await log.close()
      const file = join(log.folder.dir, name)
      const octets = readFileSync(file)
      for (const put of [
        () => execFileSync('mkfifo', ['-m', '0600', file]),
        () => symlinkSync('/dev/zero', file),
        () => mkdirSync(file),
      ]) {
        rmSync(file, { recursive: true })
        put()
        await assert.rejects(logMesh.open(), { code })
      }
      rmSync(file, { recursive: true })
      writeFileSync(file, octets, { mode: 0o600 })
      await reopened()
    })

  it('through a named pipe where it writes, which is gone then', async () => {
    await submit(precertificate)
    execFileSync('mkfifo', [join(log.folder.public, '.checkpoint')])
    const [other] = await logMesh.precertificates(1)
    await assert.rejects(submit(other!), { code: 'LOG_WRITE_FAILED', message: /ENXIO/ })
    await submit(other!)
    assert.equal(await logMesh.check(log), 2)
  })

  it('from data that were altered after it could not be written', async () => {
    await submit(precertificate)
    const { public: shown } = log.folder
    execFileSync('mkfifo', [join(shown, '.checkpoint')])
    const [other] = await logMesh.precertificates(1)
    await assert.rejects(submit(other!), { code: 'LOG_WRITE_FAILED' })
    rmSync(join(shown, 'staging'), { recursive: true })
    await assert.rejects(submit(other!), { code: 'LOG_DAMAGED', message: /mtls rotate --log/ })
  })

  it('when what it signed last is lost', async () => {
    await submit(precertificate)
    const { dir, lock } = log.folder
    await log.close()
    for (const name of readdirSync(dir)) if (join(dir, name).startsWith(lock)) rmSync(join(dir, name))
    await isDamaged()
  })
})

describe('a disk that fails', () => {
  it('while a log is opened is no damage of the log', async () => {
    const error = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })
    class FailingDisk extends DiskStore {
      override read = () => Promise.reject(error)
    }
    await log.close()
    await assert.rejects(logMesh.open({ storeIn: (folder) => new FailingDisk(folder) }), {
      code: 'LOG_WRITE_FAILED',
      message: /the disk failed: check it/,
    })
  })
})

describe('a disk that is full', () => {
  /** Writes of objects whose path begins so fail, as often as told. */
  class FullDisk extends DiskStore {
    full: { readonly path: string; times: number } | undefined

    override async write(objects: ReadonlyMap<string, Uint8Array>): Promise<void> {
      const isHit = this.full !== undefined && [...objects.keys()][0]!.startsWith(this.full.path)
      if (!isHit || this.full!.times-- <= 0) return super.write(objects)
      // As much as there was room for.
      await super.write(new Map([...objects].slice(1)))
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    }
  }

  for (const path of ['staging/', 'issuer/', 'checkpoint'])
    it(`in mid-sequence, at ${path}, is told, and the log goes on when there is room again`, async () => {
      let disk: FullDisk | undefined
      const storeIn = (folder: string): LogStore => {
        disk = new FullDisk(folder)
        return disk
      }
      await reopened({ storeIn })
      const precertificates = await logMesh.precertificates(3)
      await submit(precertificates[0]!)
      disk!.full = { path, times: 2 }
      await assert.rejects(submit(precertificates[1]!), { code: 'LOG_WRITE_FAILED', message: /ENOSPC/ })
      await submit(precertificates[2]!).catch((error) => assert.equal(error.code, 'LOG_WRITE_FAILED'))
      disk!.full = undefined
      const scts = new Map<string, Uint8Array>()
      for (const each of precertificates) scts.set(each.certificate.serial, await submit(each))
      assert.equal(await logMesh.check(log, scts), 3)
    })
})
