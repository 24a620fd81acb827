import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { chmod, mkdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { dirname, join as joinPath } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { badCertificates, type Fault, TestMesh } from '@datapunk/testkit'
import { join, type Mesh, type MeshError, type MeshErrorCode } from './index.ts'

/** Refused while they are read, not while they are judged. */
const unreadable = [
  'fractionalSeconds',
  'otherSignatureAlgorithmOutside',
  'repeatedExtension',
] as const satisfies Fault[]

describe('join', () => {
  let testMesh: TestMesh
  let foreign: TestMesh
  let joined = 0

  before(async () => {
    const services = { lake: { ipAddresses: ['127.0.0.1', '::1'] }, stream: {} } as const
    testMesh = await TestMesh.create({ services })
    foreign = await TestMesh.foreign(testMesh, services)
  })

  after(async () => {
    await Promise.all([testMesh.remove(), foreign.remove()])
  })

  /** Without memory of what was there before. */
  const joinLake = async () => {
    const memory = joinPath(testMesh.folder, `memory-${++joined}`)
    const mesh = await join('lake', { config: testMesh.configFile, memory })
    await mesh.leave()
    return mesh
  }

  for (const pollEvery of [0, -1, Number.POSITIVE_INFINITY, 2 ** 31]) {
    test(`a pollEvery of ${pollEvery} is refused`, () =>
      assert.rejects(join('lake', { config: testMesh.configFile, pollEvery }), {
        name: 'TypeError',
        message: `join: pollEvery: found ${pollEvery}; allowed: milliseconds from 1 to 2147483647`,
      }))
  }

  test('with `await using`, the end of the block leaves', async () => {
    const memory = joinPath(testMesh.folder, `memory-${++joined}`)
    const left: Mesh[] = []
    {
      await using mesh = await join('lake', { config: testMesh.configFile, memory })
      left.push(mesh)
      assert.ok(mesh.createServer())
    }
    assert.throws(() => left[0]!.createServer(), { code: 'LEFT' })
  })

  /** Refused with this code, and with a message that names what repairs it. */
  const assertRefused = async (code: MeshErrorCode, fix: RegExp, data: Record<string, unknown> = {}) => {
    await assert.rejects(joinLake(), (error: MeshError) => {
      assert.equal(error.name, 'MeshError')
      assert.equal(error.code, code, error.message)
      assert.match(error.message, fix)
      for (const [key, value] of Object.entries(data)) assert.equal(error.data[key], value, error.message)
      assert.doesNotMatch(error.message, /PRIVATE KEY-----/)
      return true
    })
  }

  /** Breaks something, looks, and puts it right again. */
  const whileFile = async (
    file: string,
    content: string | Uint8Array | undefined,
    look: () => Promise<void>,
  ) => {
    const before = await readFile(file)
    if (content === undefined) await unlink(file)
    else await writeFile(file, content)
    await look().finally(() => writeFile(file, before, { mode: 0o600 }))
  }

  const current = (file: 'cert.pem' | 'key.pem') => joinPath(testMesh.layout.instance('lake').current, file)

  test('joins a service with its pair, its bundle and its root', async () => {
    const mesh = await joinLake()
    assert.equal(mesh.self.spiffeId, 'spiffe://service.datapunk/lake')
  })

  test('reads $MTLS_CONFIG where no config is named, and $MTLS_ENV and $MTLS_ROOT', async () => {
    const { MTLS_CONFIG, MTLS_ENV, MTLS_ROOT } = process.env
    process.env.MTLS_CONFIG = testMesh.configFile
    process.env.MTLS_ROOT = '/somewhere'
    const mesh = await join('lake')
    await mesh.leave()
    process.env.MTLS_ENV = 'nowhere'
    await assert.rejects(join('lake'), { code: 'CONFIG_INVALID', message: /no environment "nowhere"/ })
    for (const [name, value] of Object.entries({ MTLS_CONFIG, MTLS_ENV, MTLS_ROOT })) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })

  describe('refuses a config', () => {
    test('that is not there', async () => {
      const config = joinPath(testMesh.folder, 'other.yaml')
      await assert.rejects(join('lake', { config }), { code: 'CONFIG_UNREADABLE', message: /MTLS_CONFIG/ })
    })

    test('with faults', async () => {
      await whileFile(testMesh.configFile, 'servces: {}', () =>
        assertRefused('CONFIG_INVALID', /:1:1: .*servces/),
      )
    })

    test('that others may write', async () => {
      await chmod(testMesh.configFile, 0o666)
      await assertRefused('CONFIG_INVALID', /chmod o-w/)
      await chmod(testMesh.configFile, 0o644)
    })

    test('that others may replace', async () => {
      await chmod(testMesh.folder, 0o777)
      await assertRefused('CONFIG_INVALID', /the folder .* \(777\), where anyone may put another file/)
      await chmod(testMesh.folder, 0o700)
    })

    test('without the service, and names the nearest', async () => {
      const wrong = join('lak', { config: testMesh.configFile })
      await assert.rejects(wrong, { code: 'SERVICE_UNKNOWN', message: /did you mean "lake"/ })
    })
  })

  describe('refuses what the mesh says', () => {
    test('where there is no bundle yet', async () => {
      await whileFile(testMesh.layout.mesh.head, undefined, () =>
        assertRefused('BUNDLE_MISSING', /mtls apply/),
      )
      const folder = testMesh.layout.mesh.trustDir
      const statement = await readFile(testMesh.layout.mesh.trustStatement({ generation: 1, counter: 1 }))
      await rm(folder, { recursive: true })
      await assertRefused('BUNDLE_MISSING', /mtls apply/)
      await mkdir(folder)
      await assertRefused('BUNDLE_REFUSED', /mtls apply/)
      await writeFile(testMesh.layout.mesh.trustStatement({ generation: 1, counter: 1 }), statement)
    })

    test('where a section is missing or another than signed', async () => {
      const digest = await sectionDigest(testMesh)
      const section = testMesh.layout.mesh.section(digest)
      await whileFile(section, undefined, () => assertRefused('BUNDLE_MISSING', /mtls apply/))
      await whileFile(section, '{"members":[]}', () => assertRefused('BUNDLE_REFUSED', /mtls apply/))
    })

    test('where bundle or trust are of another mesh', async () => {
      const head = await readFile(foreign.layout.mesh.head)
      await whileFile(testMesh.layout.mesh.head, head, () => assertRefused('BUNDLE_REFUSED', /mtls apply/))
      const trust = await readFile(foreign.layout.mesh.trustStatement({ generation: 1, counter: 1 }))
      const statement = testMesh.layout.mesh.trustStatement({ generation: 1, counter: 1 })
      await whileFile(statement, trust, () => assertRefused('BUNDLE_REFUSED', /ca_cert/))
    })

    test('without a root to begin with', async () => {
      const { caCert } = testMesh.config.paths
      await whileFile(caCert, undefined, () => assertRefused('ROOT_UNREADABLE', /mtls apply/))
      await whileFile(caCert, 'x', () => assertRefused('ROOT_UNREADABLE', /mtls apply/))
      await whileFile(caCert, foreign.ca.root.pem, () => assertRefused('BUNDLE_REFUSED', /ca_cert/))
    })

    test('where the service is no member', async () => {
      const member = testMesh.member('lake')
      testMesh.change('lake', 'remove')
      await testMesh.publish()
      await assertRefused('NOT_A_MEMBER', /mtls apply/)
      testMesh.restore(member)
      await testMesh.publish()
    })
  })

  describe('refuses a pair', () => {
    const writePair = async (leaf: { pem: string; keyPem: string }) =>
      testMesh.writePair('lake', leaf.pem + testMesh.ca.issuing.pem, leaf.keyPem)

    after(async () => {
      await testMesh.rotate('lake')
    })

    test('that is not there', async () => {
      await whileFile(current('cert.pem'), undefined, () => assertRefused('PAIR_MISSING', /mtls apply/))
      await whileFile(current('key.pem'), undefined, () => assertRefused('PAIR_MISSING', /mtls apply/))
    })

    test('whose key others may read, or whose folder others may write', async () => {
      for (const mode of [0o640, 0o604, 0o644, 0o666]) {
        await chmod(current('key.pem'), mode)
        await assertRefused('KEY_EXPOSED', /: chmod 0600 .*key\.pem/)
      }
      await chmod(current('key.pem'), 0o600)
      await chmod(dirname(current('key.pem')), 0o777)
      await assertRefused('KEY_EXPOSED', /: chmod 0700 /)
      await chmod(dirname(current('key.pem')), 0o700)
      await joinLake()
    })

    test('that is truncated or empty, at every length', async () => {
      for (const file of ['cert.pem', 'key.pem'] as const) {
        const whole = await readFile(current(file))
        const code = file === 'cert.pem' ? 'CERTIFICATE_UNREADABLE' : 'KEY_UNREADABLE'
        const leafEnd = whole.indexOf('-----END') + '-----END CERTIFICATE----'.length
        for (const length of [0, 1, 20, 60, 200, Math.min(leafEnd, whole.length - 10)]) {
          await whileFile(current(file), whole.subarray(0, length), () => assertRefused(code, /mtls apply/))
        }
      }
    })

    test('that OpenSSL can’t read, or won’t serve with', async () => {
      const whole = (await readFile(current('cert.pem'), 'latin1')).split('\n')
      const withBlankLine = whole.toSpliced(-6, 0, '').join('\n')
      const keyPair = generateKeyPairSync('rsa', { modulusLength: 1024 })
      const weak = await testMesh.ca.leaf('lake', { algorithm: 'rsa', keyPair })
      for (const cert of [withBlankLine, whole.join('\n') + weak.pem]) {
        const assertNoOther = () => assertRefused('CERTIFICATE_UNREADABLE', /OpenSSL .*mtls apply/)
        await whileFile(current('cert.pem'), Buffer.from(cert), assertNoOther)
      }
    })

    test('that is larger than any pair', async () => {
      const large = Buffer.alloc(300_000, 'x')
      await whileFile(current('cert.pem'), large, () => assertRefused('CERTIFICATE_UNREADABLE', /mtls apply/))
      await whileFile(current('key.pem'), large, () => assertRefused('KEY_UNREADABLE', /mtls apply/))
    })

    test('that is swapped', async () => {
      const [cert, key] = await Promise.all([readFile(current('cert.pem')), readFile(current('key.pem'))])
      await whileFile(current('cert.pem'), key, () => assertRefused('PAIR_SWAPPED', /look swapped/))
      await whileFile(current('key.pem'), cert, () => assertRefused('PAIR_SWAPPED', /look swapped/))
    })

    test('whose key is of another certificate', async () => {
      const { keyPem } = await testMesh.leaf('lake')
      await whileFile(current('key.pem'), keyPem, () => assertRefused('KEY_MISMATCH', /mtls apply/))
    })

    test('of another service', async () => {
      await writePair(await testMesh.leaf('stream'))
      await assertRefused('CERTIFICATE_REFUSED', /that of lake/, { rule: 'OTHER_SERVICE' })
    })

    test('of another mesh with the same names', async () => {
      await writePair(await foreign.leaf('lake'))
      await assertRefused('CERTIFICATE_REFUSED', /mtls apply/, { rule: 'AUTHORITY_KEY_MISMATCH' })
    })

    for (const [name, { fault, make }] of Object.entries(badCertificates)) {
      if ((unreadable as readonly string[]).includes(name)) continue
      test(`whose certificate has ${fault}`, async () => {
        await writePair(await make(testMesh.ca, 'lake'))
        await assert.rejects(joinLake(), (error: MeshError) => error.code === 'CERTIFICATE_REFUSED')
      })
    }

    test('that has expired, and says which command repairs it', async () => {
      await writePair(await badCertificates.expired.make(testMesh.ca, 'lake'))
      await assertRefused('CERTIFICATE_REFUSED', /mtls apply/, { rule: 'CERTIFICATE_EXPIRED' })
      await writePair(await badCertificates.notYetValid.make(testMesh.ca, 'lake'))
      await assertRefused('CERTIFICATE_REFUSED', /clocks/, { rule: 'CERTIFICATE_NOT_YET_VALID' })
    })

    for (const name of unreadable) {
      test(`whose certificate has ${badCertificates[name].fault}, which can't even be read`, async () => {
        await writePair(await badCertificates[name].make(testMesh.ca, 'lake'))
        await assertRefused('CERTIFICATE_UNREADABLE', /mtls apply/)
      })
    }
  })
})

async function sectionDigest(testMesh: TestMesh): Promise<string> {
  const { payload } = JSON.parse(await readFile(testMesh.layout.mesh.head, 'utf8'))
  return JSON.parse(Buffer.from(payload, 'base64').toString()).sections[0].digest
}
