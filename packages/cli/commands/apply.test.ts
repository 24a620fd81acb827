import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { run } from '../run.ts'
import { worldWithTerminal } from '../testing/fake-terminal.ts'
import { prepareFiles } from '../testing/prepared-files.ts'

describe('apply at a terminal', () => {
  let folder: string
  const apply = async (config: string, answer: string, ...args: string[]) => {
    const world = worldWithTerminal(answer)
    const code = await run(['apply', '--config', join(folder, config), ...args], world)
    return { code, shown: world.shown() }
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mtls-'))
    await prepareFiles(folder)
    assert.equal((await apply('two.yaml', '')).code, 0)
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const answer of ['\n', 'n\n', 'yesterday\n']) {
    test(`asks before it removes a service, and takes ${JSON.stringify(answer)} for no`, async () => {
      const { code, shown } = await apply('one.yaml', answer)
      assert.equal(code, 1)
      assert.match(shown, /stream.*remove service.*destructive/)
      assert.match(shown, /Do this\? \[y\/N\]/)
      assert.match(shown, /1 destructive action not done/)
    })
  }

  for (const [key, code] of [
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ] as const) {
    test(`does nothing at all after ${key}`, async () => {
      const { code: ending, shown } = await apply('one.yaml', code)
      assert.equal(ending, 1)
      assert.match(shown, /\[APPROVAL_MISSING\]/)
    })
  }

  test('does it when the answer is yes', async () => {
    const { code, shown } = await apply('one.yaml', 'Yes\n')
    assert.equal(code, 0)
    assert.match(shown, /service removed/)
    const again = await apply('one.yaml', '', '--purge')
    assert.equal(again.code, 0)
    assert.doesNotMatch(again.shown, /\[y\/N\]/)
    assert.equal(existsSync(join(folder, 'certs/stream.crt')), false)
  })
})
