import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { KeyAlgorithm } from '@datapunk/pki'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { needs, program } from '../outsider.ts'
import { chainOf, everyAlgorithm } from './every-algorithm.ts'
import { loggedChain } from './logged-chain.ts'
import { statusChain } from './status-chain.ts'

const table: readonly KeyAlgorithm[] = ['rsa', 'ecdsa-p256', 'ecdsa-p384', 'ed25519', 'ml-dsa-65']
/** Every rulebook of zlint that is an RFC about certificates; the others are for the public web, mail and code. */
const rulebooks = 'RFC3279,RFC5280,RFC5480,RFC5891,RFC6962,RFC8813'
const zlint = process.env.ZLINT ?? 'zlint'

/**
 * What zlint finds and is wrong about. It knows a self-signed certificate by its signature, and knows no ML-DSA: it takes
 * such a root for an intermediate, which would need the identifier that RFC 5280, section 4.2.1.1, lets a root leave out.
 */
const exceptions: Readonly<Partial<Record<string, readonly string[]>>> = {
  'root ml-dsa-65': ['e_ext_authority_key_identifier_no_key_identifier'],
}

test('zlint finds nothing in any certificate of any algorithm', needs(zlint), async (t) => {
  for (const algorithms of everyAlgorithm(table)) {
    const { root, issuing, leaf } = algorithms
    await t.test(`root ${root}, issuing ${issuing}, leaf ${leaf}`, async (t) => {
      const { mesh, files } = await chainOf(algorithms)
      atEnd(t, () => mesh.remove())
      for (const [place, file] of Object.entries(files)) {
        const expected = place === 'root' ? (exceptions[`root ${root}`] ?? []) : []
        await finds(expected, place, file)
      }
    })
  }
})

test(
  'zlint finds nothing in certificates that say where their status is to be learned',
  needs(zlint),
  async (t) => {
    for (const algorithm of table) {
      const chain = await statusChain(algorithm)
      atEnd(t, () => chain.remove())
      for (const place of ['issuing', 'leaf', 'operator', 'ocspSigner'] as const) {
        await finds([], `${place} ${algorithm}`, chain[place].file)
      }
    }
  },
)

test('zlint finds nothing in precertificates and final certificates', needs(zlint), async (t) => {
  for (const algorithm of table) {
    const { files, remove } = await loggedChain(algorithm)
    atEnd(t, remove)
    await finds([], `precertificate ${algorithm}`, files.precertificate)
    await finds([], `final certificate ${algorithm}`, files.final)
  }
})

test('zlint finds nothing in what a probe shows to be refused', needs(zlint), async (t) => {
  const mesh = await MeshFolder.applied({ services: { lake: {} } })
  atEnd(t, () => mesh.remove())
  const authority = await mesh.authority()
  atEnd(t, () => authority.close())
  const { current, revoked, expired, 'not-yet-valid': notYetValid } = await authority.prepareProbe()
  for (const [place, { folder }] of Object.entries({ current, revoked, expired, notYetValid })) {
    // A chain: zlint reads one certificate a file.
    const [leaf = ''] = readFileSync(join(folder, 'cert.pem'), 'utf8').split(
      /(?<=-----END CERTIFICATE-----\n)/,
    )
    const file = join(mesh.folder, `${place}.pem`)
    writeFileSync(file, leaf)
    await finds([], place, file)
  }
})

/** Fails unless zlint finds just this in the certificate. */
async function finds(expected: readonly string[], place: string, file: string): Promise<void> {
  const args = ['-includeSources', rulebooks, file]
  const results = Object.entries(
    JSON.parse(await Child.output(program(zlint), args)) as Record<string, { result: string }>,
  )
  const found = results.filter(([, { result }]) => !['pass', 'NA', 'NE'].includes(result))
  assert.deepEqual(
    found.map(([lint]) => lint),
    expected,
    place,
  )
  const passed = results.filter(([, { result }]) => result === 'pass').length
  assert.ok(passed >= 30, `${place}: only ${passed} of ${results.length} lints applied`)
}
