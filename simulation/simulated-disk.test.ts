import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Disk } from '../packages/authority/disk/disk.ts'
import { PairFolder } from '../packages/authority/disk/pair.ts'
import { Draw } from './draw.ts'
import { KeyPool } from './key-pool.ts'
import { PowerCut, SimulatedDisk } from './simulated-disk.ts'

const machineOf = (seed: string) => {
  const machine = new SimulatedDisk(new Draw(seed))
  return { machine, disk: new Disk({ calls: machine.calls, uid: 0 }) }
}

test('what was written atomically is whole after every power cut, and there once the call has returned', () => {
  for (let calls = 0; calls < 60; calls++) {
    const { machine, disk } = machineOf(`cut ${calls}`)
    disk.ensureFolder('/a/b', 0o755)
    disk.writeFileAtomic('/a/b/file', 'old', { mode: 0o644 })
    machine.cutAfter(calls)
    let isDone = false
    try {
      disk.writeFileAtomic('/a/b/file', 'new', { mode: 0o644 })
      isDone = true
    } catch (error) {
      assert.ok(machine.isCut, String(error))
    }
    machine.restart(true)
    const found = machine.read('/a/b/file')?.toString()
    if (isDone) assert.equal(found, 'new')
    else assert.ok(found === 'old' || found === 'new', `${calls}: ${found}`)
  }
})

test('what was not synced may be lost', () => {
  const found = new Set<string | undefined>()
  for (let seed = 0; seed < 40; seed++) {
    const { machine, disk } = machineOf(`lost ${seed}`)
    disk.ensureFolder('/a', 0o755)
    disk.writeUnsynced('/a/file', 'written', { mode: 0o644 })
    machine.restart(true)
    found.add(machine.read('/a/file')?.toString())
  }
  assert.ok(found.has(undefined) && found.has('') && found.has('written'), JSON.stringify([...found]))
})

test('links are followed as a path says, and a full disk refuses what makes it fuller', () => {
  const { machine, disk } = machineOf('links')
  disk.ensureFolder('/state/v1', 0o755)
  disk.writeFileAtomic('/state/v1/cert', 'one', { mode: 0o644 })
  disk.replaceLink('/state/current', 'v1', '/state/.link')
  disk.link('/certs', '/state/current/cert', { within: '/state' })
  assert.equal(machine.read('/certs')?.toString(), 'one')
  machine.full = 'ENOSPC'
  assert.throws(() => disk.writeFileAtomic('/state/v1/cert', 'two', { mode: 0o644 }), { code: 'DISK_FAILED' })
  assert.equal(machine.read('/certs')?.toString(), 'one')
})

test('a dead process makes no call any more', () => {
  const { machine, disk } = machineOf('dead')
  machine.cutAfter(0)
  assert.throws(() => disk.ensureFolder('/a', 0o755), PowerCut)
  assert.throws(() => new PairFolder('/a/b', disk).read(), PowerCut)
  machine.restart(false)
  assert.equal(new PairFolder('/a/b', disk).read(), undefined)
})

test('the keys of a pool are the same for the same seed', () => {
  const [one, same, other] = ['seed', 'seed', 'other'].map((seed) =>
    new KeyPool(seed, 2).next().publicKey.export({ type: 'spki', format: 'der' }),
  )
  assert.deepEqual(one, same)
  assert.notDeepEqual(one, other)
})
