import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { atEnd, seededRandom } from '@datapunk/testkit'
import { type ConfigText, MeshFolder } from './mesh-folder.ts'
import { startMtls } from './mtls.ts'
import { assertWholePair } from './whole-pair.ts'

const ROUNDS = 12
const FIRST_ROUNDS = 4

const services = ['lake', 'stream', 'nexus'] as const
/** Another organization is a new pair for every service. */
const belongingTo = (organization: string): ConfigText => ({
  authority: {},
  certificates: { organization, country: 'US', key_algorithm: 'ecdsa-p256' },
  services: Object.fromEntries(services.map((name) => [name, {}])),
})

test('apply, killed at any moment, leaves whole pairs, and the next one goes on from there', async (t) => {
  const mesh = await MeshFolder.applied(belongingTo('0'))
  atEnd(t, () => mesh.remove())
  const moments = killingMoments(t.diagnostic.bind(t))
  let killed = 0
  for (let round = 1; round <= ROUNDS; round++) {
    mesh.write(belongingTo(`${round}`))
    if (await killedAt(mesh, moments())) killed++
    for (const service of services) assertWholePair(mesh, service)
    if (round % 4 !== 0) continue
    await mesh.apply()
    assertSettled(mesh, `${round}`)
    assert.deepEqual((await mesh.apply()).done, [])
  }
  t.diagnostic(`${killed} of ${ROUNDS} were killed before they were done`)
  assert.ok(killed > 0)
})

test('the first apply, killed at any moment, is done again by the next one', async (t) => {
  const moments = killingMoments(t.diagnostic.bind(t))
  for (let round = 1; round <= FIRST_ROUNDS; round++) {
    const mesh = MeshFolder.planned(belongingTo('0'))
    atEnd(t, () => mesh.remove())
    await killedAt(mesh, moments())
    await mesh.apply()
    assertSettled(mesh, '0')
  }
})

/** A moment is a share of how long the last apply took that was left alone; a slow machine kills no earlier. */
function killingMoments(say: (text: string) => void): () => number {
  const seed = String(Date.now())
  say(`seed ${seed}`)
  const random = seededRandom(seed)
  return () => random(4).reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 32
}

let usualDuration = 2_000

/** @returns whether the kill came before the end */
async function killedAt(mesh: MeshFolder, moment: number): Promise<boolean> {
  const child = startMtls(['apply', '--yes', '--config', mesh.configFile])
  const began = performance.now()
  const alarm = new AbortController()
  const killing = after(moment * usualDuration, undefined, { signal: alarm.signal }).then(
    () => child.signal('SIGKILL'),
    () => {},
  )
  const { code, signal, stderr } = await child.ended
  alarm.abort()
  await killing
  if (signal === 'SIGKILL') return true
  usualDuration = performance.now() - began
  assert.equal(code, 0, stderr)
  return false
}

function assertSettled(mesh: MeshFolder, organization: string): void {
  for (const service of services) {
    assert.deepEqual(assertWholePair(mesh, service).subject.organization, [organization])
    const names = readdirSync(mesh.layout.instance(service).dir)
    const versions = names.filter((name) => name !== 'current' && name !== 'next.pem')
    assert.ok(versions.length <= 2 && names.includes('next.pem'), `${service} has ${names}`)
  }
}
