import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readTls, type TlsReader } from './tls-reader.ts'

function refuses(reason: RegExp, octets: readonly number[], read: (tls: TlsReader) => unknown): void {
  const act = () => readTls(Uint8Array.from(octets), 'thing', read, 8)
  assert.throws(act, { code: 'TRANSPARENCY_MALFORMED', message: reason })
}

describe('what is encoded as in TLS', () => {
  it('is read to its end, and no further', () => {
    assert.deepEqual(
      readTls(Uint8Array.of(2, 7, 8), 'thing', (tls) => [...tls.vector(1)]),
      [7, 8],
    )
    refuses(/it ends before it should/, [1, 2], (tls) => tls.octets(3))
    refuses(/it ends before it should/, [3, 1, 2], (tls) => tls.vector(1))
    refuses(/1 bytes stand after its end/, [1, 2], (tls) => tls.octets(1))
  })

  it('is not read at all where it is larger than may be', () => {
    let isRead = false
    refuses(/it has 9 bytes; at most 8 are read/, Array(9).fill(0), () => {
      isRead = true
    })
    assert.equal(isRead, false)
  })

  it('has vectors of as many octets as may be, and numbers that are exact', () => {
    refuses(/a vector has 1 octets, not 2 to 255/, [1, 7], (tls) => tls.vector(1, { least: 2 }))
    refuses(/a vector has 2 octets, not 0 to 1/, [2, 7, 7], (tls) => tls.vector(1, { most: 1 }))
    refuses(/over 2\^53-1/, [0, 0x20, 0, 0, 0, 0, 0, 0], (tls) => tls.number(8))
    refuses(/more than 1 elements/, [1, 2], (tls) => tls.each((each) => each.number(1), 1))
  })
})
