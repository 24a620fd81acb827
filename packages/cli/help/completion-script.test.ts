import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { allCommands } from '../commands/command-specs.ts'
import { type Shell, shells } from '../documents/shells.ts'
import { commonOptions } from '../program.ts'
import { commandEnvironment } from '../testing/transcript.ts'
import { completionScript } from './completion-script.ts'

const commands = await allCommands()

/** What bash offers for the last of `words`. */
function offeredByBash(...words: readonly string[]): string[] {
  const script = completionScript('bash', commands, commonOptions)
  const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _mtls; printf '%s\\n' "\${COMPREPLY[@]}"`
  const options = { encoding: 'utf8', cwd: folder, env: commandEnvironment() } as const
  const { stdout } = spawnSync('bash', ['--norc', '-c', `${script}\n${ask}`], options)
  return stdout.split('\n').filter((line) => line !== '')
}

function missing(shell: Shell): string | false {
  return spawnSync(shell, ['--version']).error === undefined ? false : `there is no ${shell} here`
}

const withoutBash = missing('bash')

const folder = mkdtempSync(join(tmpdir(), 'mtls-'))
after(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'mtls-config.yaml'), 'services: { lake: {}, stream: {} }\n')
writeFileSync(join(folder, 'other.yaml'), 'services: { nexus: {} }\n')

describe('completion', () => {
  test('bash offers commands first', { skip: withoutBash }, () => {
    assert.deepEqual(offeredByBash('mtls', 'i'), ['init', 'issue', 'inspect'])
    assert.deepEqual(offeredByBash('mtls', '--e'), ['--env'])
  })

  test('bash offers the options of the command', { skip: withoutBash }, () => {
    assert.deepEqual(offeredByBash('mtls', 'apply', '--'), [
      ...['--yes', '--purge', '--adopt-ca'],
      ...['--config', '--env', '--root', '--json', '--help'],
    ])
    assert.deepEqual(offeredByBash('mtls', '--json', 'plan', '--c'), ['--check', '--config'])
  })

  test('bash offers the services of the config that is meant', { skip: withoutBash }, () => {
    assert.deepEqual(offeredByBash('mtls', 'issue', ''), ['lake', 'stream'])
    assert.deepEqual(offeredByBash('mtls', 'why', 'lake', 's'), ['stream'])
    assert.deepEqual(offeredByBash('mtls', 'log', 'list', '--service', 'l'), ['lake'])
    assert.deepEqual(offeredByBash('mtls', '--config', 'other.yaml', 'revoke', ''), ['nexus'])
    assert.deepEqual(offeredByBash('mtls', 'issue', '--config', 'nowhere.yaml', ''), [])
  })

  test('bash offers the words that come first, and commands for --command', { skip: withoutBash }, () => {
    assert.deepEqual(offeredByBash('mtls', 'log', 'ver'), ['verify'])
    assert.deepEqual(offeredByBash('mtls', 'completion', ''), [...shells])
    assert.deepEqual(offeredByBash('mtls', 'log', 'show', ''), [])
    assert.deepEqual(offeredByBash('mtls', 'schema', '--command', 'st'), ['status'])
  })

  test('bash leaves files to itself', { skip: withoutBash }, () => {
    assert.deepEqual(offeredByBash('mtls', 'inspect', 'a'), [])
    assert.deepEqual(offeredByBash('mtls', 'issue', '--csr', 'l'), [])
  })

  for (const shell of shells) {
    test(`${shell} can read its script`, { skip: missing(shell) }, () => {
      const file = join(folder, `completion.${shell}`)
      writeFileSync(file, completionScript(shell, commands, commonOptions))
      const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' })
      assert.deepEqual([status, stderr], [0, ''])
    })

    test(`${shell} knows every command and every option`, () => {
      const script = completionScript(shell, commands, commonOptions)
      for (const { name, options = [] } of commands) {
        assert.ok(script.includes(name), name)
        for (const [flags] of [...options, ...commonOptions]) {
          const long = flags.split(' ')[0]?.slice(2) as string
          assert.ok(script.includes(long), `${name} ${flags}`)
        }
      }
    })
  }
})
