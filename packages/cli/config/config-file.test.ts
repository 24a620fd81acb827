import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { readConfigFile } from './config-file.ts'

describe('a config file', () => {
  let folder: string
  let file: string
  const read = () => readConfigFile({ file, environment: undefined, root: undefined })

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'config-')))
    file = join(folder, 'mtls-config.yaml')
    writeFileSync(file, 'services: { lake: {} }\ntrust_domain: service.datapunk\n')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('that anyone can replace is refused, and the message mends it', () => {
    chmodSync(folder, 0o777)
    const theirs = join(folder, 'theirs')
    writeFileSync(theirs, 'services: {}')
    renameSync(theirs, file)
    const message = new RegExp(`found the folder ${folder} \\(777\\).*allowed: chmod o-w ${folder}`)
    assert.throws(() => read(), { name: 'ConfigError', message })
    chmodSync(folder, 0o1777)
    assert.throws(() => read(), { name: 'ConfigError', message: /services/ })
  })
})
