import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isFit } from './node-version.js'

describe('isFit', () => {
  for (const version of ['24.17.0', '24.20.1', '26.3.1', '26.10.0', '27.0.0', '30.1.0']) {
    test(`${version} is`, () => assert.equal(isFit(version), true))
  }
  for (const version of ['18.20.0', '20.20.2', '22.22.0', '24.16.9', '25.9.0', '26.0.0', '26.3.0']) {
    test(`${version} is not`, () => assert.equal(isFit(version), false))
  }
})

/** Makes this Node say that it is an old one, to the program it runs and to nobody that the program starts. */
const asNode20 =
  "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.1.0'}})"

describe('mtls on a Node that is too old', () => {
  test('hands over to the Node that npm put beside it, with its exit code', () => {
    // That Node is another program than the one that runs, or the same by another way; here it has to be another.
    const node = join(import.meta.dirname, '../../../node_modules/.bin/node')
    const elsewhere = mkdtempSync(join(tmpdir(), 'node-'))
    try {
      const old = join(elsewhere, 'node')
      cpSync(realpathSync(node), old)
      const script = join(import.meta.dirname, 'mtls.js')
      const help = spawnSync(old, ['--import', asNode20, script, '--version'], { encoding: 'utf8' })
      assert.deepEqual([help.stdout, help.stderr, help.status], ['0.1.0\n', '', 0])
      const wrong = spawnSync(old, ['--import', asNode20, script, 'frob'], { encoding: 'utf8' })
      assert.match(wrong.stderr, /unknown command 'frob'/)
      assert.equal(wrong.status, 2)
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })

  test('says what it needs where there is none', () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'mtls-'))
    try {
      for (const name of ['mtls.js', 'node-version.js', 'compile-cache.js']) {
        cpSync(join(import.meta.dirname, name), join(elsewhere, name))
      }
      writeFileSync(join(elsewhere, 'package.json'), '{ "type": "module" }')
      const args = ['--import', asNode20, join(elsewhere, 'mtls.js')]
      const { stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
      assert.match(
        stderr,
        /^mtls: found Node 20\.1\.0; allowed: Node 24\.17 and later of 24, or 26\.3\.1 and later/m,
      )
      assert.equal(status, 2)
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })
})
