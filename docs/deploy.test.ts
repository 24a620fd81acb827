import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const deploy = join(import.meta.dirname, '../deploy')

test('a unit that restarts never gives up: systemd’s own limit is five failing starts in ten seconds', () => {
  const units = globSync('systemd/*.service', { cwd: deploy })
  assert.equal(units.length, 3)
  for (const unit of units) {
    const text = readFileSync(join(deploy, unit), 'utf8')
    const ofUnit = text.slice(text.indexOf('[Unit]'), text.indexOf('[Service]'))
    assert.match(text, /^Restart=always$/m, unit)
    assert.match(ofUnit, /^StartLimitIntervalSec=0$/m, unit)
  }
})
