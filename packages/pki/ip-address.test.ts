import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ipOctets, ipText } from './ip-address.ts'

describe('IP addresses', () => {
  it('of version 4 come back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (octets) => {
        assert.deepEqual(ipOctets(ipText(octets) as string), octets)
      }),
    )
  })

  it('of version 6 come back, and are written as URLs write them', () => {
    const sparse = fc.array(fc.oneof(fc.constant(0), fc.nat(255)), { minLength: 16, maxLength: 16 })
    fc.assert(
      fc.property(sparse, (list) => {
        const octets = Uint8Array.from(list)
        const text = ipText(octets) as string
        assert.deepEqual(ipOctets(text), octets)
        assert.equal(new URL(`http://[${text}]/`).hostname, `[${text}]`)
      }),
    )
  })

  it('are read from every spelling', () => {
    const spelled = (text: string): string | undefined => ipText(ipOctets(text) ?? new Uint8Array(0))
    assert.equal(spelled('2001:DB8:0:0:8:800:200C:417A'), '2001:db8::8:800:200c:417a')
    assert.equal(spelled('::ffff:192.0.2.1'), '::ffff:c000:201')
    assert.equal(spelled('64:ff9b::192.0.2.33'), '64:ff9b::c000:221')
    assert.equal(spelled('::'), '::')
  })

  it('are what the system takes for one, but for zones', () => {
    const piece = fc.constantFrom(
      '0',
      '1',
      'ab',
      'ffff',
      '12345',
      'g',
      '',
      ':',
      '::',
      '.',
      '1.2.3.4',
      '256',
      '01',
      '%',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), fc.constantFrom(':', '.', ''), (pieces, separator) => {
        const text = pieces.join(separator)
        fc.pre(!text.includes('%'))
        assert.equal(ipOctets(text)?.length ?? 0, { 0: 0, 4: 4, 6: 16 }[isIP(text)], text)
      }),
      { numRuns: 3000 },
    )
  })

  it('are nothing else', () => {
    for (const text of [
      '',
      '1.2.3',
      '1.2.3.4.5',
      '01.2.3.4',
      '1.2.3.256',
      ':::',
      'fe80::1%eth0',
      'lake',
      '1::2::3',
    ]) {
      assert.equal(ipOctets(text), undefined, text)
    }
    assert.equal(ipText(new Uint8Array(5)), undefined)
  })
})
