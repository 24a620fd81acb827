import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseConfig } from './parse.ts'
import { problemsOf } from './testing/problems-of.ts'

const shipped = new URL('../../../mtls-config.yaml', import.meta.url)

const good = `
certificates: { validity_days: 90 }
services:
  lake: { common_name: lake.service.datapunk }
  stream: {}
`

describe('the shipped config', () => {
  const lines = readFileSync(shipped, 'utf8').split('\n')
  const line = (number: number) => lines[number - 1]?.trim()

  test('is the seed’s, at the seed’s lines', () => {
    assert.match(line(2)!, /sys-arch\.mmd.*ServiceMesh->Security/)
    assert.deepEqual(
      lines.slice(7, 12).map((text) => text.trim()),
      ['certificates:', 'validity_days: 365', 'key_size: 2048', 'organization: "Datapunk"', 'country: "US"'],
    )
    assert.deepEqual(
      lines.slice(15, 18).map((text) => text.trim()),
      ['paths:', 'ca_cert: "/etc/datapunk/certs/ca.crt"', 'ca_key: "/etc/datapunk/certs/ca.key"'],
    )
    assert.match(line(21)!, /sys-arch\.mmd.*CoreServices/)
    assert.equal(line(28), 'common_name: "lake.service.datapunk"')
    assert.equal(line(35), 'common_name: "stream.service.datapunk"')
    assert.equal(line(42), 'common_name: "nexus.service.datapunk"')
    assert.deepEqual(
      lines.slice(43, 47).map((text) => text.trim()),
      ['verification:', 'verify_mode: "CERT_REQUIRED"', 'check_hostname: true', 'cert_reqs: "CERT_REQUIRED"'],
    )
  })

  test('says what the seed says', () => {
    const config = parseConfig(readFileSync(shipped), { file: '/etc/datapunk/mtls-config.yaml' })
    assert.equal(config.trustDomain, 'service.datapunk')
    assert.deepEqual([...config.services.keys()], ['lake', 'stream', 'nexus'])
    assert.equal(config.authority.state, '/etc/datapunk/certs/.mtls')
    assert.equal(config.services.get('lake')?.spiffeId, 'spiffe://service.datapunk/lake')
  })

  test('has a demo environment with addresses, under a root of its own', () => {
    const config = parseConfig(readFileSync(shipped), {
      file: '/etc/datapunk/mtls-config.yaml',
      environment: 'demo',
      root: '/srv/demo',
    })
    assert.equal(config.authority.state, '/srv/demo/etc/datapunk/certs/.mtls/demo')
    assert.equal(config.paths.caKey, '/srv/demo/etc/datapunk/certs/ca.key')
    assert.deepEqual(config.services.get('lake')?.address, { host: '127.0.0.1', port: 8445 })
  })
})

describe('defaults', () => {
  test('two names are a whole mesh', () => {
    const config = parseConfig('services: { api: {}, worker: }', { file: '/srv/mesh/mtls-config.yaml' })
    const worker = config.services.get('worker')
    assert.equal(worker?.commonName, 'worker.service.internal')
    assert.equal(worker?.cert, '/srv/mesh/certs/worker.crt')
    assert.equal(worker?.mode, 0o600)
    assert.equal(worker?.allow, 'members')
    assert.equal(config.paths.caKey, '/srv/mesh/certs/ca.key')
  })

  test('the root’s key is there, unless the file says that it may be away', () => {
    const offline = (text: string) => parseConfig(`${good}${text}`, { file: 'x.yaml' }).authority.root
    assert.deepEqual(offline(''), { algorithm: 'ecdsa-p256', years: 10, offline: false })
    assert.equal(offline('authority: { root: { offline: true } }').offline, true)
  })

  test('the trust domain is the suffix of the first name', () => {
    assert.equal(
      parseConfig(good, { file: 'x.yaml' }).services.get('stream')?.commonName,
      'stream.service.datapunk',
    )
  })

  test('a group may read the key', () => {
    const config = parseConfig('services: { api: { group: www-data } }', { file: 'x.yaml' })
    assert.equal(config.services.get('api')?.mode, 0o640)
  })

  test('an address is what its certificate will be read as, however it is written', () => {
    const written = ['FD00::1', 'fd00:0:0:0:0:0:0:1', '2001:0db8::0001', '::ffff:10.0.0.1', '10.0.0.5']
    const config = parseConfig(`services: { api: { ip_addresses: ${JSON.stringify(written)} } }`, {
      file: 'x.yaml',
    })
    const read = ['fd00::1', '2001:db8::1', '::ffff:a00:1', '10.0.0.5']
    assert.deepEqual(config.services.get('api')?.ipAddresses, read)
  })

  for (const mode of ['0600', '0640', '0400', '0440']) {
    test(`mode ${mode} may be`, () => {
      const config = parseConfig(`services: { api: { mode: ${mode}, group: tls } }`, { file: 'x.yaml' })
      assert.equal(config.services.get('api')?.mode, Number.parseInt(mode, 8))
    })
  }

  for (const written of ['0600', '0o600', '"0600"', '"600"']) {
    test(`mode ${written} is 0600`, () => {
      const config = parseConfig(`services: { api: { mode: ${written} } }`, { file: 'x.yaml' })
      assert.equal(config.services.get('api')?.mode, 0o600)
    })
  }
})

/** Each fault, what to write for it, and what the one error must say. */
const faults: readonly (readonly [fault: string, text: string, message: RegExp])[] = [
  [
    'key_size under 2048',
    'certificates: { key_size: 1024 }',
    /key_size: found 1024; allowed: 2048, 3072 or 4096/,
  ],
  [
    'verify_mode',
    'verification: { verify_mode: CERT_OPTIONAL }',
    /found "CERT_OPTIONAL"; allowed: CERT_REQUIRED/,
  ],
  ['cert_reqs', 'verification: { cert_reqs: CERT_NONE }', /found "CERT_NONE"; allowed: CERT_REQUIRED/],
  ['check_hostname: false', 'verification: { check_hostname: false }', /found false; allowed: true/],
  [
    'no country of ISO 3166-1',
    'certificates: { country: UK }',
    /found "UK"; allowed: an ISO 3166-1 country code/,
  ],
  [
    'validity beyond the issuer',
    'certificates: { validity_days: 1200 }',
    /found 1200 days, longer than the issuing CA/,
  ],
  [
    'validity as text',
    'certificates: { validity_days: "365" }',
    /found "365"; allowed: a whole number of days/,
  ],
  [
    'a path that escapes',
    'paths: { ca_cert: ../../etc/passwd }',
    /found "\.\.\/\.\.\/etc\/passwd"; allowed: a file path/,
  ],
  [
    'an unknown key',
    'certificates: { organisation: X }',
    /unknown key "organisation" \(did you mean "organization"\?\)/,
  ],
  ['an unknown section', 'verificaton: {}', /unknown key "verificaton" \(did you mean "verification"\?\)/],
  ['an issuing CA that outlives the root', 'authority: { root: { years: 2 } }', /longer than the root’s 2/],
  [
    'an offline root that is not said in so many words',
    'authority: { root: { offline: yes } }',
    /offline: found "yes"; allowed: true or false/,
  ],
  ['an issuing CA that is offline', 'authority: { issuing: { offline: true } }', /unknown key "offline"/],
  ['a broken document', 'certificates: [', /not valid YAML/],
  ['a key twice', 'certificates: {}\ncertificates: {}', /found "certificates" twice; allowed: once/],
]

describe('every fault is one clear error', () => {
  for (const [fault, text, message] of faults) {
    test(fault, () => {
      const problems = problemsOf(`${text}\nservices:\n  lake: { common_name: lake.service.datapunk }\n`)
      assert.equal(problems.length, 1, JSON.stringify(problems))
      assert.match(problems[0]!.message, message)
    })
  }

  const services: readonly (readonly [fault: string, text: string, message: RegExp])[] = [
    [
      'two services with one name',
      'a: { common_name: x.d.io }, b: { dns_names: [x.d.io] }',
      /found the name x\.d\.io, which a has too/,
    ],
    [
      'the same name in capitals',
      'a: { common_name: x.d.io }, b: { common_name: X.D.io }',
      /found the name x\.d\.io, which a has too/,
    ],
    [
      'two services with one address, however it is written',
      'a: { ip_addresses: ["fd00::1"] }, b: { ip_addresses: ["FD00:0::1"] }',
      /found the address fd00::1, which a has too/,
    ],
    [
      'two services with one path',
      'a: { key: /k }, b: { key: /k }',
      /found \/k, which services\.a\.key has too/,
    ],
    [
      'the CA’s key as a service’s',
      'a: { key: certs/ca.key }',
      /certs\/ca\.key, which paths\.ca_key has too/,
    ],
    [
      'a name outside the domains',
      'a: { common_name: a.d.io }, b: { dns_names: [evil.com] }',
      /found the name evil\.com; allowed: names in d\.io/,
    ],
    ['a wildcard', 'a: { common_name: "*.d.io" }', /found "\*\.d\.io"; allowed: a DNS name/],
    [
      'the name of the probe',
      'a: { common_name: a.d.io, dns_names: [probe.d.io] }',
      /found the name probe\.d\.io, which is that of `mtls probe`; allowed: any other/,
    ],
    ['a name with capitals', 'a: {}, Api: {}', /found the name "Api"; allowed: a service name/],
    [
      'a caller that is no service',
      'stream: { allow: [laek] }, lake: {}',
      /the caller "laek" \(did you mean "lake"\?\)/,
    ],
    ['TLS 1.1', 'a: { min_tls: "1.1" }', /found "1\.1"; allowed: one of 1\.3, 1\.2/],
    ['an address that is none', 'a: { address: "nowhere:99999" }', /found "nowhere:99999"; allowed: HOST/],
  ]
  for (const [fault, text, message] of services) {
    test(fault, () => {
      const problems = problemsOf(`services: { ${text} }\n`)
      assert.equal(problems.length, 1, JSON.stringify(problems))
      assert.match(problems[0]!.message, message)
    })
  }

  for (const setting of ['services', 'operators', 'environments']) {
    test(`a name under ${setting} that JavaScript takes for another thing`, () => {
      const problems = problemsOf(`trust_domain: a.b\n${setting}: { __proto__: {}, lake: {} }\n`)
      assert.deepEqual(problems, [
        { line: 2, column: setting.length + 5, message: 'found the name "__proto__"; allowed: any other' },
      ])
    })
  }

  for (const name of ['authority', 'log', 'probe', 'operator']) {
    test(`a service named ${name}, which is among those that the error says are taken`, () => {
      const [problem] = problemsOf(`services: { a: {}, ${name}: {} }`)
      assert.match(problem!.message, new RegExp(`allowed: .*none of .*\\b${name}\\b`))
    })
  }

  for (const name of ['authority', 'instances', 'log', 'mesh']) {
    test(`an environment named ${name}, which is among those that the error says are taken`, () => {
      const [problem] = problemsOf(`${good}environments: { ${name}: {} }`)
      assert.match(problem!.message, new RegExp(`allowed: .*none of .*\\b${name}\\b`))
    })
  }

  for (const mode of ['0644', 'true', '[]', '1000', '-1', '1.5']) {
    test(`mode ${mode}, and the error says every mode that may be`, () => {
      const problems = problemsOf(`services: { a: { mode: ${mode} } }`)
      assert.equal(problems.length, 1, JSON.stringify(problems))
      assert.match(
        problems[0]!.message,
        /; allowed: 0600, 0640, 0400 or 0440: a private key is never for others$/,
      )
    })
  }

  test('no services', () => assert.match(problemsOf('certificates: {}')[0]!.message, /found no services/))

  test('a service whose name will not do is there all the same', () => {
    const messages = problemsOf('services: { Lake_1: {} }\ntrust_domain: a.b\n').map(({ message }) => message)
    assert.equal(messages.length, 1, JSON.stringify(messages))
    assert.match(messages[0]!, /found the name "Lake_1"/)
  })

  test('one address for two of the authority’s servers', () => {
    const of = (authority: string) =>
      problemsOf(`services: { lake: {} }\ntrust_domain: a.b\nauthority: { ${authority} }\n`)
    const found = of('metrics: "127.0.0.1:7480", console: "127.0.0.1:7480"').map(({ message }) => message)
    assert.deepEqual(found, [
      'found 127.0.0.1:7480 for authority.metrics and for authority.http; allowed: an address each',
      'found 127.0.0.1:7480 for authority.console and for authority.http; allowed: an address each',
    ])
    assert.deepEqual(of('metrics: "127.0.0.1:0", console: "127.0.0.1:0"'), [])
    assert.deepEqual(of('metrics: "127.0.0.2:7480"'), [])
  })

  test('a port for certificates to name that is another each time', () => {
    const of = (authority: string) =>
      problemsOf(`services: { lake: {} }\ntrust_domain: a.b\nauthority: { ${authority} }\n`)
    const [found, ...others] = of('http: "127.0.0.1:0"')
    assert.match(
      String(found?.message),
      /^found 127\.0\.0\.1:0, and no authority\.public_url; allowed: a port/,
    )
    assert.deepEqual(others, [])
    assert.deepEqual(of('http: "127.0.0.1:0", public_url: "http://a.example:7480"'), [])
  })

  test('a file that anyone may write', () => {
    assert.match(problemsOf(good, { mode: 0o100666 })[0]!.message, /chmod o-w/)
    assert.deepEqual(problemsOf(good, { mode: 0o100644 }), [])
  })

  test('a file that others may replace', () => {
    const problems = problemsOf(good, { openFolder: { path: '/srv/mesh', mode: 0o40777 } })
    assert.deepEqual(
      problems.map(({ message }) => message),
      [
        'found the folder /srv/mesh (777), where anyone may put another file in its place; allowed: chmod o-w /srv/mesh',
      ],
    )
  })

  test('an environment that is not there', () => {
    assert.match(problemsOf(good, { environment: 'prod' })[0]!.message, /found no environment "prod"/)
  })
})

describe('errors', () => {
  test('come all at once, in the order of the file, with line and column', () => {
    const text = [
      'certificates:',
      '  key_size: 1024',
      '  country: UK',
      'services:',
      '  a: { common_name: x.d.io }',
      '  b: { common_name: x.d.io }',
      'verification: { check_hostname: false }',
      'unknown: 1',
    ].join('\n')
    const problems = problemsOf(text)
    assert.deepEqual(
      problems.map(({ line, column }) => [line, column]),
      [
        [2, 13],
        [3, 12],
        [6, 21],
        [7, 33],
        [8, 1],
      ],
    )
  })

  test('name what is wrong in a list, and nothing that stands between', () => {
    const names = '["*.x", good.service.internal, "*.y", b_.service.internal, elsewhere.example]'
    const problems = problemsOf(`services: { lake: { dns_names: ${names} } }`)
    assert.deepEqual(
      problems.map(({ message }) => /found (?:the name )?[^;]*/.exec(message)?.[0]),
      ['found the name elsewhere.example', 'found "*.x"', 'found "*.y"', 'found "b_.service.internal"'],
    )
  })

  test('name the overlay’s line when the overlay is at fault', () => {
    const text = `${good}environments:\n  demo:\n    certificates: { country: UK }\n`
    assert.equal(problemsOf(text, { environment: 'demo' })[0]!.line, 8)
  })

  test('say file:line:column', () => {
    assert.throws(
      () => parseConfig('services: { a: { mode: 0777 } }', { file: 'mesh.yaml' }),
      /^ConfigError: mesh\.yaml:1:24: /,
    )
  })
})

describe('hostile files', () => {
  for (const piece of [':', '://', 'passw', 'a:', '@', ':@'])
    test(`a value that is ${piece} over and over costs no more than its length`, () => {
      const begun = performance.now()
      const [problem] = problemsOf(`services: { a: { address: "${piece.repeat(200_000)}" } }`)
      assert.match(problem!.message, /allowed: HOST or HOST:PORT/)
      assert.ok(performance.now() - begun < 10_000)
    })

  test('bytes that are not UTF-8', () => {
    assert.match(problemsOf(Uint8Array.of(0x61, 0xff, 0xfe))[0]!.message, /not UTF-8/)
  })

  test('more than 64 MiB are not even read as YAML', () => {
    assert.match(problemsOf(new Uint8Array(64 * 1024 * 1024 + 1))[0]!.message, /allowed: at most 67108864/)
  })

  // More than can be arguments of one call.
  const MANY = 140_000

  test('more unknown keys than anybody reads', () => {
    const keys = Array.from({ length: MANY }, (_, index) => `k${index}`)
    assert.equal(problemsOf(`{${keys.join()}}`).length, 100)
  })

  test('more keys that are there twice than anybody reads', () => {
    assert.equal(
      problemsOf(
        `{${Array(MANY + 1)
          .fill('a')
          .join()}}`,
      ).length,
      MANY,
    )
  })

  test('an alias bomb', () => {
    const lists = ['a: &a [x, x, x, x, x, x, x, x, x]']
    for (const [before, name] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh']) {
      lists.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`)
    }
    assert.match(problemsOf(lists.join('\n'))[0]!.message, /not usable YAML: .*alias/i)
  })

  test('a file cut anywhere gives an error or a config, never anything else', () => {
    const whole = readFileSync(shipped, 'utf8')
    for (let length = 0; length < whole.length; length += 7) problemsOf(whole.slice(0, length))
  })

  test('any text gives an error or a config', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        problemsOf(text)
      }),
    )
  })

  test('any value in the place of any other gives an error or a config', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom('certificates', 'services', 'paths', 'authority'),
        (value, key) => {
          problemsOf(JSON.stringify({ services: { a: {} }, [key]: value }))
        },
      ),
    )
  })
})
