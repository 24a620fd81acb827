import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readDer } from '../der/reader.ts'
import { encodeDer } from '../der/writer.ts'
import type { GeneralName } from '../extensions/general-name.ts'
import { ipOctets } from '../ip-address.ts'
import { encodeName, type Name, type NameParts, readName } from '../name.ts'
import { oids } from '../oids.ts'
import { isWithinSubtree, subtreeFault, wildcardReachesInto } from './name-subtree.ts'

const dns = (value: string): GeneralName => ({ form: 'dns', value })
const uri = (value: string): GeneralName => ({ form: 'uri', value })
const email = (value: string): GeneralName => ({ form: 'email', value })
const ip = (address: string): GeneralName => ({ form: 'ip', value: ipOctets(address) ?? assert.fail() })
const range = (address: string, mask: string): GeneralName => ({
  form: 'ip',
  value: Uint8Array.of(...(ipOctets(address) ?? []), ...(ipOctets(mask) ?? [])),
})
const directory = (parts: NameParts): GeneralName => ({ form: 'directory', value: nameOf(parts) })

/** A name of an organization that is no text. */
function numbered(number: number): GeneralName {
  const encoded = encodeDer((der) =>
    der.sequence(() =>
      der.set(() =>
        der.sequence(() => {
          der.oid(oids.organizationName)
          der.smallInteger(number)
        }),
      ),
    ),
  )
  return { form: 'directory', value: readDer(encoded, readName) }
}

function nameOf(parts: NameParts): Name {
  return readDer(encodeName(parts), readName)
}

describe('name subtrees', () => {
  for (const [name, base, within] of [
    [dns('example.com'), dns('example.com'), true],
    [dns('a.b.EXAMPLE.com'), dns('example.COM'), true],
    [dns('notexample.com'), dns('example.com'), false],
    [dns('com'), dns('example.com'), false],
    [dns('anything.at.all'), dns(''), true],
    [dns('*.example.com'), dns('example.com'), true],
    [dns('*.example.com'), dns('a.example.com'), false],
    [uri('spiffe://service.datapunk/lake'), uri('service.datapunk'), true],
    [uri('spiffe://Service.Datapunk:99/lake'), uri('service.datapunk'), true],
    [uri('spiffe://a.service.datapunk/lake'), uri('service.datapunk'), false],
    [uri('https://a.b.c/'), uri('.b.c'), true],
    [uri('https://b.c/'), uri('.b.c'), false],
    [uri('https://user@b.c?x'), uri('b.c'), true],
    [uri('https://evil.example#@b.c'), uri('b.c'), false],
    [uri('urn:a:b'), uri('b.c'), undefined],
    [uri('https://b.c./'), uri('b.c'), undefined],
    [uri('https://b%2ec/'), uri('b.c'), undefined],
    [uri('https://192.0.2.1/'), uri('b.c'), undefined],
    [uri('https://[::1]/'), uri('b.c'), undefined],
    [ip('10.1.2.3'), range('10.0.0.0', '255.0.0.0'), true],
    [ip('11.1.2.3'), range('10.0.0.0', '255.0.0.0'), false],
    [ip('1.2.3.4'), range('0.0.0.0', '0.0.0.0'), true],
    [ip('::1'), range('0.0.0.0', '0.0.0.0'), false],
    [ip('2001:db8::1'), range('2001:db8::', 'ffff:ffff::'), true],
    [email('a@b.c'), email('b.c'), true],
    [email('a@B.C'), email('a@b.c'), true],
    [email('A@b.c'), email('a@b.c'), false],
    [email('a@x.b.c'), email('b.c'), false],
    [email('a@x.b.c'), email('.b.c'), true],
    [email('a@b@b.c'), email('b.c'), undefined],
    [directory({ organization: 'O', commonName: 'a' }), directory({ organization: 'O' }), true],
    [directory({ organization: ' o ', commonName: 'a' }), directory({ organization: 'O' }), true],
    [
      directory({ organization: 'E\u00ad\u200bv\u0000il  corp' }),
      directory({ organization: 'Evil Corp' }),
      true,
    ],
    [directory({ organization: 'Evil\tCorp' }), directory({ organization: 'Evil Corp' }), true],
    [directory({ organization: 'EvilCorp' }), directory({ organization: 'Evil Corp' }), false],
    [directory({ organization: 'O' }), directory({ organization: 'O', commonName: 'a' }), false],
    [directory({ country: 'US', organization: 'O' }), directory({ organization: 'O' }), false],
    [directory({ commonName: 'O' }), directory({ organization: 'O' }), false],
    [numbered(1), numbered(1), true],
    [numbered(1), numbered(2), false],
    [numbered(1), directory({ organization: 'O' }), false],
    [{ form: 'otherName', value: undefined }, { form: 'otherName', value: undefined }, undefined],
  ] as [GeneralName, GeneralName, boolean | undefined][]) {
    it(`${name.form} ${name.value} in ${base.value}: ${within ?? 'nobody can say'}`, () => {
      assert.equal(isWithinSubtree(name, base), within)
    })
  }

  it('are reached into by a wildcard that could match inside', () => {
    assert.ok(wildcardReachesInto(dns('*.Example.com'), dns('secret.example.COM')))
    assert.ok(!wildcardReachesInto(dns('*.example.com'), dns('a.secret.example.com')))
    assert.ok(!wildcardReachesInto(dns('lake.example.com'), dns('secret.example.com')))
  })

  for (const base of [
    dns('.example.com'),
    dns('a_b.c'),
    dns('*.a.b'),
    uri('https://a.b'),
    uri(''),
    uri('a b'),
    email('@'),
    email('a@b@c'),
    range('10.0.0.0', '255.0.255.0'),
    range('10.0.0.0', '0.0.0.255'),
    range('10.0.0.0', '255.253.0.0'),
    range('10.0.0.0', '255.240.8.0'),
    ip('10.0.0.0'),
  ]) {
    it(`${base.form} ${base.value} is a faulty constraint`, () =>
      assert.equal(typeof subtreeFault(base), 'string'))
  }

  for (const base of [
    dns(''),
    dns('a.b'),
    uri('.a.b'),
    uri('a_b'),
    email('.a.b'),
    range('::', '::'),
    range('10.0.0.0', '255.240.0.0'),
    directory({}),
  ]) {
    it(`${base.form} "${base.value}" is a constraint`, () => assert.equal(subtreeFault(base), undefined))
  }
})
