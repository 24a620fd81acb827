import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { atEnd, seededRandom } from '@datapunk/testkit'
import { LogMesh } from './testing/log-mesh.ts'

const ROUNDS = 10

test('a log whose process is killed again and again loses nothing that it answered', async (t) => {
  const logMesh = await LogMesh.create()
  atEnd(t, () => logMesh.remove())
  const { configFile, folder } = logMesh.mesh
  const precertificates = await logMesh.precertificates(300)
  const chains = precertificates.map((each) =>
    logMesh.chainOf(each).map((der) => Buffer.from(der).toString('base64')),
  )
  const chainsFile = join(folder, 'chains.json')
  writeFileSync(chainsFile, JSON.stringify(chains))
  const seed = String(Date.now())
  t.diagnostic(`seed ${seed}`)
  const random = seededRandom(seed)

  const answered = new Map<string, string>()
  for (let round = 1; round <= ROUNDS; round++) {
    const program = join(import.meta.dirname, 'testing/submitting.ts')
    const child = spawn(process.execPath, [program, configFile, chainsFile, String(logMesh.now)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'close')
    const most = (random(1)[0]! * round) / ROUNDS
    let heard = 0
    for await (const line of createInterface({ input: child.stdout })) {
      const [serial, sct] = line.split(' ') as [string, string]
      assert.equal(answered.get(serial) ?? sct, sct, 'another SCT for the same')
      answered.set(serial, sct)
      if (++heard > most) child.kill('SIGKILL')
    }
    await ended
    assert.equal(child.signalCode, 'SIGKILL')

    const log = await logMesh.open()
    const scts = new Map([...answered].map(([serial, sct]) => [serial, Buffer.from(sct, 'base64')]))
    assert.ok((await logMesh.check(log, scts)) >= answered.size)
    await log.close()
  }
})
