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

test('what waits for the authority, or for a proxy, asks whether that is ready, which no service that waits for it can hold up', () => {
  const recipes = ['compose/redis.yaml', '../docs/adopting.md'].map((file) =>
    readFileSync(join(deploy, file), 'utf8'),
  )
  for (const recipe of recipes) {
    const checks = [...recipe.matchAll(/^ *healthcheck:.*\n? *test: (.*)$/gm)].map(([, test]) => test)
    assert.equal(checks.length, recipe.match(/^ *healthcheck:/gm)?.length)
    for (const check of checks) assert.match(check!, /127\.0\.0\.1:\d+\/readyz/)
  }
})

test('every image that is told to remember in /memory is said to have to make it, for its user', () => {
  const recipe = readFileSync(join(deploy, 'compose/redis.yaml'), 'utf8')
  const user = recipe.match(/^ *user: "(\d+)"/m)?.[1]
  assert.ok(recipe.includes(`mkdir /memory && chown ${user} /memory`))
})
