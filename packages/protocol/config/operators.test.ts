import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consoleNamesOf, consoleSpiffeId } from '../console-identity.ts'
import { parseConfig } from './parse.ts'
import { problemsOf } from './testing/problems-of.ts'

const elsewhere = 'authority: { console: 0.0.0.0:7483 }'
const parsed = (text: string) => parseConfig(`services: { lake: {} }\n${text}`, { file: '/m.yaml' })
const messages = (text: string) =>
  problemsOf(`services: { lake: {} }\n${text}`)
    .map(({ message }) => message)
    .join('\n')

test('operators are none unless named, and may do everything unless told', () => {
  assert.equal(parsed('').operators.size, 0)
  assert.deepEqual(
    [...parsed('operators: { alice: , bob: { read_only: true, validity_days: 7 } }').operators.values()],
    [
      {
        operator: 'alice',
        spiffeId: 'spiffe://service.internal/operator/alice',
        readOnly: false,
        validityDays: 90,
      },
      {
        operator: 'bob',
        spiffeId: 'spiffe://service.internal/operator/bob',
        readOnly: true,
        validityDays: 7,
      },
    ],
  )
})

test('an operator may be called as a service is, and is not that service', () => {
  assert.equal(
    parsed('operators: { lake: {} }').operators.get('lake')?.spiffeId,
    'spiffe://service.internal/operator/lake',
  )
})

test('a console that others reach is for operators', () => {
  assert.deepEqual(parsed(`${elsewhere}\noperators: { alice: {} }`).authority.console, {
    host: '0.0.0.0',
    port: 7483,
  })
  assert.match(messages(elsewhere), /no operators; allowed: 127\.0\.0\.1, \[::1\] or localhost, or name who/)
  assert.match(
    messages('authority: { console: lake.service.internal:7483 }\noperators: { alice: {} }'),
    /found lake\.service\.internal, which is a name of lake; allowed: a name of no service/,
  )
})

test('it has the authority’s name, and its host’s where that is one of ours', () => {
  const namesAt = (host: string, more = '') =>
    consoleNamesOf(parsed(`authority: { console: "${host}:7483"${more} }\noperators: { alice: {} }`))
  const own = 'authority.service.internal'
  assert.deepEqual(namesAt('0.0.0.0'), [own])
  assert.deepEqual(namesAt('10.0.0.5'), [own])
  assert.deepEqual(namesAt(own), [own])
  assert.deepEqual(namesAt('Console.service.internal'), [own, 'console.service.internal'])
  assert.deepEqual(namesAt('mesh.example'), [own])
  assert.deepEqual(namesAt('mesh.example', ', extra_domains: [example]'), [own, 'mesh.example'])
  assert.equal(consoleSpiffeId('service.internal'), 'spiffe://service.internal/authority/console')
})

test('what is no operator is refused', () => {
  for (const [text, allowed] of [
    ['operators: { Alice: {} }', /found the name "Alice"; allowed: an operator’s name of a-z/],
    ['operators: { alice.b: {} }', /found the name "alice\.b"/],
    ['operators: [alice]', /allowed: operators by name/],
    ['operators: { alice: { readonly: true } }', /unknown key "readonly" \(did you mean "read_only"\?\)/],
    ['operators: { alice: { read_only: maybe } }', /found "maybe"; allowed: true or false/],
    ['operators: { alice: { validity_days: 0 } }', /found 0; allowed: a whole number of days from 1 to 3650/],
    [
      'operators: { alice: { validity_days: 2000 } }',
      /found 2000 days, longer than the issuing CA’s life; allowed: at most 1095/,
    ],
  ] as const) {
    assert.match(messages(text), allowed)
  }
})
