import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { OrderedOption } from '../command-spec.ts'
import { allCommands } from '../commands/command-specs.ts'
import { programOf } from '../program.ts'
import { routesOf } from './proxy-routes.ts'

const repository = join(import.meta.dirname, '../../..')

/** What the command line makes of these words. */
async function typed(words: readonly string[]): Promise<readonly OrderedOption[]> {
  let found: readonly OrderedOption[] = []
  const program = programOf(await allCommands(), process, {
    run: async (_spec, _common, options) => {
      found = (options as { inOrder: readonly OrderedOption[] }).inOrder
    },
  })
  await program.parseAsync(words, { from: 'user' })
  return found
}

describe('routesOf', () => {
  test('goes by the order, in both directions, as often as it is asked to', async () => {
    const words =
      'proxy lake --listen 0.0.0.0:1 --to http+unix:/run/a --from [::1]:2 --to cache --from unix:/b --to h2c://db:3 --listen [::]:4 --to h2c://127.0.0.1:5'
    assert.deepEqual(routesOf(await typed(words.split(' ')), {}), [
      { way: 'serve', at: { host: '0.0.0.0', port: 1 }, to: { path: '/run/a' }, protocol: 'http/1.1' },
      { way: 'call', at: { host: '::1', port: 2 }, to: { host: 'cache', port: undefined } },
      { way: 'call', at: { path: '/b' }, to: { host: 'db', port: 3 }, protocol: 'h2' },
      { way: 'serve', at: { host: '::', port: 4 }, to: { host: '127.0.0.1', port: 5 }, protocol: 'h2' },
    ])
  })

  const wrong: Record<string, RegExp> = {
    '--listen 0.0.0.0:1 --from 127.0.0.1:1 --to lake': /--listen 0\.0\.0\.0:1 without it/,
    '--listen 0.0.0.0:1 --to 127.0.0.1:1 --to lake': /--to lake before either/,
    '--listen unix:/a --to 127.0.0.1:1': /--listen unix:\/a; allowed: HOST:PORT/,
    '--from 127.0.0.1:1 --to lake:0': /--to lake:0; allowed: a member/,
    '--from 127.0.0.1:1 --to unix:/a': /--to unix:\/a; allowed: a member/,
    '--from 127.0.0.1:1 --to grpc://lake': /--to grpc:\/\/lake; allowed: a member/,
    '--from :1 --to lake': /place ":1"/,
  }
  for (const [line, says] of Object.entries(wrong)) {
    test(`refuses ${line}`, async () => {
      const options = await typed(['proxy', 'lake', ...line.split(' ')])
      assert.throws(() => routesOf(options, {}), { code: 'USAGE', message: says })
    })
  }
})

describe('every mtls proxy that is written down is one', () => {
  const files = [
    ['README.md', 3],
    ['docs/adopting.md', 7],
    ['deploy/compose/redis.yaml', 1],
    ['deploy/systemd/mtls-proxy@.service', 1],
    ['packages/cli/commands/proxy.ts', 3],
  ] as const
  for (const [file, count] of files) {
    test(file, async () => {
      const text = readFileSync(join(repository, file), 'utf8')
      const lines = text.match(/(?:mtls proxy [a-z]+ |ROUTES=)--\w+ \S+ --to [^'#\n]*/g) ?? []
      assert.equal(lines.length, count)
      for (const line of lines) {
        const words = line.replace('ROUTES=', 'mtls proxy cache ').trim().split(/\s+/).slice(1)
        assert.ok(routesOf(await typed(words), {}).length > 0)
      }
    })
  }
})
