import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { commandSpecs } from './commands/command-specs.ts'
import { completionScript, shells } from './completion-script.ts'
import { commonOptions } from './program.ts'

/** What bash offers for the last of `words`. */
function offeredByBash(...words: readonly string[]): string[] {
  const script = completionScript('bash', commandSpecs, commonOptions)
  const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _mtls; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = spawnSync('bash', ['--norc', '-c', `${script}\n${ask}`], { encoding: 'utf8' })
  return stdout.split('\n').filter((line) => line !== '')
}

const withoutBash = spawnSync('bash', ['--version']).error === undefined ? false : 'there is no bash here'

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

  test('bash leaves files to itself', { skip: withoutBash }, () => {
    assert.deepEqual(offeredByBash('mtls', 'inspect', 'a'), [])
  })

  for (const shell of shells) {
    test(`${shell} knows every command and every option`, () => {
      const script = completionScript(shell, commandSpecs, commonOptions)
      for (const { name, options = [] } of commandSpecs) {
        assert.ok(script.includes(name), name)
        for (const [flags] of [...options, ...commonOptions]) {
          const long = flags.split(' ')[0]?.slice(2) as string
          assert.ok(script.includes(long), `${name} ${flags}`)
        }
      }
    })
  }
})
