import assert from 'node:assert/strict'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Background } from '../testing/background.ts'
import { playTranscript } from '../testing/transcript.ts'

test('doctor finds nothing in a mesh that runs, is backed up, and has its passphrase elsewhere', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mtls-')))
  const lake = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await new Promise((resolve) => lake.once('listening', resolve))
  const { port } = lake.address() as AddressInfo
  writeFileSync(join(folder, 'passphrase'), 'correct horse battery staple\n', { mode: 0o600 })
  writeFileSync(
    join(folder, 'mtls-config.yaml'),
    `services: { lake: { address: "127.0.0.1:${port}" }, stream: {} }
certificates: { key_algorithm: ecdsa-p256 }
authority: { passphrase_file: passphrase, http: none }
`,
  )
  const up = new Background(folder, 'up')
  try {
    await up.next('ready')
    assert.doesNotMatch(await playTranscript('$ mtls backup kept.mtls', folder), /\[\d\]$/)
    assert.equal(await playTranscript('$ mtls doctor', folder), '$ mtls doctor\n2> nothing is wrong')
    assert.match(await playTranscript('$ mtls doctor --json', folder), /"findings": \[\],\n {2}"errors": 0,/)
  } finally {
    up.signal('SIGKILL')
    await up.ended
    lake.close()
    rmSync(folder, { recursive: true })
  }
})
