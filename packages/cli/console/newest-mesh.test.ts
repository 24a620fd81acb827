import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { layoutOf } from '@datapunk/protocol'
import { TestMesh } from '@datapunk/testkit'
import { readConfigFile } from '../config/config-file.ts'
import { NewestMesh } from './newest-mesh.ts'

const HOUR = 60 * 60 * 1000

let mesh: TestMesh
let newest: NewestMesh
let now: number

beforeEach(async () => {
  mesh = await TestMesh.create({ services: { lake: {} } })
  now = Date.now()
  newest = new NewestMesh(configOf(mesh), () => now)
})
afterEach(() => mesh.remove())

function configOf({ configFile }: TestMesh) {
  return readConfigFile({ file: configFile, environment: undefined, root: undefined })
}

describe('the newest mesh', () => {
  test('is read again when it says something else, and only then', async () => {
    const first = newest.look()
    assert.equal(newest.look(), first)
    const { serial } = mesh.newestLeaf('lake').certificate
    assert.equal(first.bundle.revoked.has(serial), false)
    await mesh.revoke(serial)
    await mesh.publish()
    const second = newest.look()
    assert.equal(second.bundle.revoked.has(serial), true)
    assert.equal(newest.look(), second)
  })

  test('is the last that was believed, where what lies there is not', async () => {
    const first = newest.look()
    const { head } = layoutOf(configOf(mesh)).mesh
    writeFileSync(head, '{}')
    assert.equal(newest.look(), first)
    rmSync(head)
    assert.equal(newest.look(), first)
    await mesh.publish()
    assert.notEqual(newest.look(), first)
  })

  test('is the last that was believed, where what lies there is of the future and peers refuse it', async () => {
    const first = newest.look()
    now -= HOUR
    await mesh.publish()
    assert.equal(newest.look(), first)
    now += HOUR
    assert.notEqual(newest.look(), first)
  })

  test('is none where nothing was ever believed', () => {
    rmSync(layoutOf(configOf(mesh)).mesh.head)
    assert.throws(() => newest.look(), { code: 'BUNDLE_MISSING' })
  })
})
