import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { seededRandom } from '@datapunk/testkit'
import { Child } from './child.ts'
import { type ConfigText, MeshFolder } from './mesh-folder.ts'
import { assertWholePair } from './whole-pair.ts'

const applyOnce = join(import.meta.dirname, 'apply-once.ts')
const services = ['lake', 'stream', 'nexus'] as const
/** Another life for every certificate is a new pair for every service. */
const lasting = (days: number): ConfigText => ({
  certificates: { validity_days: days, key_algorithm: 'ecdsa-p256', organization: 'Datapunk', country: 'US' },
  services: Object.fromEntries(services.map((name) => [name, {}])),
})

test('apply, killed at any moment, leaves whole pairs, and the next one goes on from there', async (t) => {
  const mesh = await MeshFolder.applied(lasting(100))
  t.after(() => mesh.remove())
  const moments = killingMoments(t.diagnostic.bind(t))
  let killed = 0
  for (let round = 1; round <= 16; round++) {
    mesh.write(lasting(100 + round))
    if (await killedAt(mesh, moments())) killed++
    for (const service of services) assertWholePair(mesh, service)
    if (round % 4 !== 0) continue
    await mesh.apply()
    assertSettled(mesh, 100 + round)
    assert.deepEqual((await mesh.apply()).done, [])
  }
  assert.ok(killed > 0, 'no apply was killed before it was done')
  t.diagnostic(`${killed} of 16 killed`)
})

test('the first apply, killed at any moment, is done again by the next one', async (t) => {
  const moments = killingMoments(t.diagnostic.bind(t))
  for (let round = 1; round <= 8; round++) {
    const mesh = MeshFolder.planned(lasting(100))
    t.after(() => mesh.remove())
    await killedAt(mesh, moments())
    await mesh.apply()
    assertSettled(mesh, 100)
  }
})

/** A moment is a share of how long the last apply took that was left alone; a slow machine kills no earlier. */
function killingMoments(say: (text: string) => void): () => number {
  const seed = String(Date.now())
  say(`seed ${seed}`)
  const random = seededRandom(seed)
  return () => random(4).reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 32
}

let usualDuration = 1_000

/** @returns whether the kill came before the end */
async function killedAt(mesh: MeshFolder, moment: number): Promise<boolean> {
  const child = Child.start(execPath, [applyOnce, mesh.configFile])
  await child.says(/applying/)
  const began = performance.now()
  const alarm = new AbortController()
  const killing = after(moment * usualDuration, undefined, { signal: alarm.signal }).then(
    () => child.signal('SIGKILL'),
    () => {},
  )
  const { code, signal, stdout, stderr } = await child.ended
  alarm.abort()
  await killing
  if (signal === 'SIGKILL') return true
  usualDuration = performance.now() - began
  assert.equal(code, 0, stderr)
  assert.match(stdout, /"failed":\[\]/)
  return false
}

function assertSettled(mesh: MeshFolder, days: number): void {
  for (const service of services) {
    const leaf = assertWholePair(mesh, service)
    assert.equal(Math.round((leaf.notAfter - leaf.notBefore) / 86_400_000), days)
    assert.equal(
      readdirSync(mesh.layout.instance(service).dir).filter((name) => name !== 'current').length <= 2,
      true,
    )
  }
}
