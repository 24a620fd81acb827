import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Engine } from '../engine/engine.ts'
import { lateForAnnounced } from './late.ts'
import { witnessesOf } from './witnesses.ts'

const HOUR = 60 * 60 * 1000
const now = Date.UTC(2026, 5, 1)

/**
 * A mesh of one instance that has spoken, and is silent since it acknowledged with a certificate that has ended; a newer one is on
 * record.
 *
 * @param newest whose that is
 */
const silentSince = (place: 'here' | 'elsewhere', newest: string) =>
  witnessesOf(
    {
      store: {
        services: () => [{ service: 'lake', state: 'member', barredAt: undefined }],
        instances: () => ['lake', newest].map((id) => ({ id, service: 'lake', place })),
        acknowledgements: () => [
          {
            ...{ instance: 'lake', generation: 1, counter: 1, at: now - 2 * HOUR, serial: '01' },
            trustStatement: { generation: 1, counter: 1 },
          },
        ],
        certificate: () => ({ slot: 'issuing-ca-1', state: 'issued', notAfter: now - 1 }),
        currentCertificates: () => [{ instance: newest, serial: '02', notAfter: now + HOUR }],
      },
      peers: { live: () => [], hasLeft: () => false, isComplete: true },
    } as unknown as Engine,
    [],
  )

const late = (place: 'here' | 'elsewhere', at: number, newest = 'lake') =>
  lateForAnnounced(silentSince(place, newest), undefined, {
    now: at,
    memory: (issuedAt) => issuedAt + 24 * HOUR,
    leftOut: [],
  }).map(({ instance }) => instance)

test('a silent peer that asks for its certificates counts until the last one that it was given ends', () => {
  assert.deepEqual(late('elsewhere', now), ['lake'])
  assert.deepEqual(late('elsewhere', now + HOUR), [])
})

test('so it does where that is for another key, with which nobody has spoken yet', () => {
  assert.deepEqual(late('elsewhere', now, 'lake-2'), ['lake'])
  assert.deepEqual(late('elsewhere', now + HOUR, 'lake-2'), [])
})

test('of one whose pair lies here the certificate that it has shown counts: what it takes up by file comes with the bundle', () => {
  assert.deepEqual(late('here', now), [])
  assert.deepEqual(late('here', now - HOUR), ['lake'])
})
