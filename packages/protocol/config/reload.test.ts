import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseConfig } from './parse.ts'
import { type Reload, speaksPostgres } from './reload.ts'
import { problemsOf } from './testing/problems-of.ts'

/** `reload` stands in line 3 from column 13 on. */
const configOf = (reload: string) => `services:\n  web:\n    reload: ${reload}\n`

function reloadOf(text: string): Reload | undefined {
  return parseConfig(configOf(text), { file: '/etc/mesh/mtls-config.yaml' }).services.get('web')?.reload
}

const command = (words: readonly string[], timeout = 30_000): Reload => ({
  kind: 'command',
  command: words,
  timeout,
})

const forms: readonly (readonly [text: string, reload: Reload])[] = [
  ['systemctl reload nginx', command(['systemctl', 'reload', 'nginx'])],
  ['"  a \\t b  "', command(['a', 'b'])],
  ['curl http://h/reload?a=1&b=2', command(['curl', 'http://h/reload?a=1&b=2'])],
  ['[sh, -c, "a; b > $C"]', command(['sh', '-c', 'a; b > $C'])],
  ['[nginx, -s, reload]', command(['nginx', '-s', 'reload'])],
  ['[/opt/a program, "$HOME; rm *"]', command(['/opt/a program', '$HOME; rm *'])],
  ['{ command: nginx -s reload }', command(['nginx', '-s', 'reload'])],
  ['{ command: [nginx, -s, reload], timeout: 1s }', command(['nginx', '-s', 'reload'], 1000)],
  ['{ command: a, timeout: 10m }', command(['a'], 600_000)],
  ['{ pid: 2 }', { kind: 'signal', signal: 'HUP', pid: 2 }],
  ['{ signal: USR1, pid: 4194304 }', { kind: 'signal', signal: 'USR1', pid: 4_194_304 }],
  ['{ signal: SIGUSR2, pid: 77 }', { kind: 'signal', signal: 'USR2', pid: 77 }],
  ['{ signal: WINCH, pid_file: /run/x.pid }', { kind: 'signal', signal: 'WINCH', pidFile: '/run/x.pid' }],
  ['{ pid_file: run/x.pid }', { kind: 'signal', signal: 'HUP', pidFile: '/etc/mesh/run/x.pid' }],
  ...[
    'postgres://db.example/postgres',
    'postgresql://u:p@10.0.0.5:5433/db?sslmode=verify-full',
    'postgres:///postgres?host=/run/postgresql',
    'postgres://u@/db?host=/run/postgresql',
    'postgres://%2Frun%2Fpostgresql/db',
  ].map((url) => [url, { kind: 'postgres', url }] as const),
  ['POSTGRES://Db/x', { kind: 'postgres', url: 'postgres://Db/x' }],
  ...[
    'redis://cache',
    'redis://:p@[::1]:6380/2',
    'rediss://u:p@cache.example:6380',
    'unix:///run/redis.sock',
    'unix://u:p@/run/redis.sock?db=1',
  ].map((url) => [url, { kind: 'redis', url }] as const),
]

describe('reload', () => {
  for (const [text, reload] of forms) {
    test(text, () => assert.deepEqual(reloadOf(text), reload))
  }

  test('tells PostgreSQL from others', () => {
    const told = (text: string) => speaksPostgres(reloadOf(text))
    assert.deepEqual(['postgres://db/x', '{ pid_file: /var/lib/15/postmaster.pid }'].map(told), [true, true])
    assert.deepEqual(
      ['redis://db', '{ pid_file: /run/x.pid }', '{ pid: 2 }', 'nginx -s reload'].map(told),
      Array(4).fill(false),
    )
    assert.equal(speaksPostgres(undefined), false)
  })

  test('may be left out', () => {
    const config = parseConfig('services: { web: {} }', { file: 'x.yaml' })
    assert.equal(config.services.get('web')?.reload, undefined)
  })

  test('counts a pid file from the root that is given', () => {
    const config = parseConfig(configOf('{ pid_file: /run/x.pid }'), { file: '/x.yaml', root: '/srv' })
    const reload: Reload = { kind: 'signal', signal: 'HUP', pidFile: '/srv/run/x.pid' }
    assert.deepEqual(config.services.get('web')?.reload, reload)
  })
})

const ANY_FORM = /allowed: a command as in .*pid_file.*"postgres:\/\/…".*"unix:\/\/…"$/
const DURATION = /timeout: found "[^"]*"; allowed: a duration from 1s to 10m/
const NO_SHELL =
  /allowed: no ; \| & > < \$ or ` in a line, because no shell reads it; \[sh, -c, "…"\] starts one/
const PID = /reload\.pid: found -?\d+; allowed: the number of a process, from 2 to 4194304$/
const PATH = /pid_file: found "[^"]*"; allowed: a file path/

/** Each fault, the column in line 3, and what the one error must say. */
const faults: readonly (readonly [text: string, column: number, message: RegExp])[] = [
  ['""', 13, ANY_FORM],
  ['"  "', 13, ANY_FORM],
  ['null', 13, ANY_FORM],
  ['5', 13, ANY_FORM],
  ['true', 13, ANY_FORM],
  ['{}', 13, ANY_FORM],
  ['[]', 13, ANY_FORM],
  ['[""]', 13, ANY_FORM],
  ['[a, 5]', 13, ANY_FORM],
  ['[a, [b]]', 13, ANY_FORM],
  [`[${Array(65).fill('a').join(', ')}]`, 13, ANY_FORM],
  [`[${'a'.repeat(4097)}]`, 13, ANY_FORM],
  ['"a\\0b"', 13, ANY_FORM],
  ['{ command: "" }', 24, ANY_FORM],
  ['{ command: {} }', 13, ANY_FORM],
  ['{ timeout: 5s }', 13, ANY_FORM],
  ['{ command: a, timeout: 0s }', 36, DURATION],
  ['{ command: a, timeout: 601s }', 36, DURATION],
  ['{ command: a, timeout: 1ms }', 36, DURATION],
  ['{ command: a, timeout: "5" }', 36, DURATION],
  ['{ command: a, timeout: 5 }', 13, ANY_FORM],
  ['{ command: a, timout: 5s }', 27, /unknown key "timout" \(did you mean "timeout"\?\); allowed: command, /],
  ['{ command: a, pid: 5 }', 13, ANY_FORM],
  ['{ pid: 1 }', 20, PID],
  ['{ pid: 0 }', 20, PID],
  ['{ pid: -5 }', 20, PID],
  ['{ pid: 4194305 }', 20, PID],
  ['{ pid: 2.5 }', 13, ANY_FORM],
  ['{ pid: "77" }', 13, ANY_FORM],
  ['{ pid: 77, pid_file: /x }', 13, ANY_FORM],
  ['{ signal: HUP }', 13, ANY_FORM],
  ['{ signal: KILL, pid: 77 }', 13, ANY_FORM],
  ['{ signal: hup, pid: 77 }', 13, ANY_FORM],
  ['{ signal: 1, pid: 77 }', 13, ANY_FORM],
  ['{ pid_file: "" }', 25, PATH],
  ['{ pid_file: ../x.pid }', 25, PATH],
  ['{ pid_file: /run/../x.pid }', 25, PATH],
  ['postgres:db', 13, ANY_FORM],
  ['postgres://mtls:5433#ret@h/db', 13, ANY_FORM],
  ['redis://mtls:5433#ret@h', 13, ANY_FORM],
  ['jdbc:postgresql://h/db', 13, ANY_FORM],
  ['host=h dbname=db', 13, ANY_FORM],
  ['postgres://h:99999/db', 13, ANY_FORM],
  ['redis://', 13, ANY_FORM],
  ['redis:///run/redis.sock', 13, ANY_FORM],
  ['redis://h:x', 13, ANY_FORM],
  ['unix:run/redis.sock', 13, ANY_FORM],
  ['unix:///', 13, ANY_FORM],
  ['mysql://h/db', 13, ANY_FORM],
  ['[postgres://h/db]', 13, ANY_FORM],
  ['{ command: redis://h }', 24, ANY_FORM],
  ['"systemctl reload nginx; rm x"', 13, NO_SHELL],
  ['nginx -s reload > /dev/null', 13, NO_SHELL],
  ['nginx -s reload 2>/dev/null', 13, NO_SHELL],
  ['a && b', 13, NO_SHELL],
  ['kill -HUP $MAINPID', 13, NO_SHELL],
  ['{ command: "a | b" }', 24, NO_SHELL],
]

describe('a fault in reload is one error at its place', () => {
  for (const [text, column, message] of faults) {
    test(text.slice(0, 60), () => {
      const problems = problemsOf(configOf(text))
      assert.equal(problems.length, 1, JSON.stringify(problems))
      const [problem] = problems
      assert.match(problem!.message, message)
      assert.deepEqual([problem!.line, problem!.column], [3, column])
    })
  }

  test('every service’s, all at once', () => {
    const text = ['services:', '  a: { reload: [] }', '  b: { reload: { pid: 1 } }', '  c: { reload: x://y }']
    const problems = problemsOf(text.join('\n'))
    assert.deepEqual(
      problems.map(({ line, column }) => [line, column]),
      [
        [2, 16],
        [3, 23],
        [4, 16],
      ],
    )
    assert.deepEqual(
      problems.map(({ message }) => message.split(':')[0]),
      ['services.a.reload', 'services.b.reload.pid', 'services.c.reload'],
    )
  })

  test('several in one reload', () => {
    const problems = problemsOf(configOf('{ command: a, timeout: 1ms, bad: 1 }'))
    assert.deepEqual(
      problems.map(({ column }) => column),
      [36, 41],
    )
  })
})

test('no error shows the password of a URL', () => {
  const faulty = [
    '"postgres://u:s3cret@h:99999/db"',
    '"mysql://u:s3cret@h/db"',
    '{ url: "redis://u:s3cret@h" }',
    '[redis://h, "rediss://:a@s3cret@h"]',
    '{ command: "redis://u:s\\"s3cret@h" }',
  ]
  for (const text of faulty) {
    const problems = problemsOf(configOf(text))
    assert.equal(problems.length, 1)
    assert.doesNotMatch(problems[0]!.message, /s3cret/)
    assert.match(problems[0]!.message, /:\/\/…@h/)
  }
})

test('nor one that is written as something else', () => {
  for (const text of [
    '"jdbc:postgresql://u:s3cret@h/db"',
    '"password=s3cret host=h"',
    '"postgres:u:s3cret@h/db"',
    '"PGPASSWORD=s3cret psql -h h"',
  ]) {
    const [problem] = problemsOf(configOf(text))
    assert.doesNotMatch(problem?.message ?? 's3cret', /s3cret/, text)
  }
})

test('any value in the place of reload gives an error or a config', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      problemsOf(JSON.stringify({ services: { web: { reload: value } } }))
    }),
  )
})
