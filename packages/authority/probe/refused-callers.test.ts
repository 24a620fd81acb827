import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Report } from '@datapunk/protocol'
import { PeerBook } from '../engine/peer-book.ts'
import { refusedCallersOf } from './refused-callers.ts'

const report = (refusedLast?: Report['refusedLast']): Report => ({
  ...{ serial: '01', version: '1', connections: [], open: 0, refused: {}, reported: {}, refusedLast },
  bundle: { generation: 1, counter: 1 },
})
const refused = [{ rule: 'REVOKED', at: 1, serial: 'ab' }]

describe('the callers that peers have refused', () => {
  const bookOf = (...services: string[]) => {
    const peers = new PeerBook(() => 1000)
    for (const service of services)
      peers.arrived({ peer: service, service, instance: service, version: '1', serial: '01', revoked: false })
    return peers
  }

  test('are told of the services that are asked for, once one of them has said something new', async () => {
    const peers = bookOf('lake', 'stream')
    peers.reported('lake', report([]))
    const first = await refusedCallersOf({ peers }, { services: ['lake'], after: 0, wait: 60_000 })
    assert.deepEqual(first, {
      reports: 1,
      peers: [{ service: 'lake', instance: 'lake', version: '1', refused: [] }],
    })
    const asked = { services: ['lake'], after: first.reports, wait: 60_000 }
    const next = refusedCallersOf({ peers }, asked)
    peers.reported('stream', report(refused))
    peers.reported('lake', report(refused))
    assert.deepEqual((await next).peers, [{ service: 'lake', instance: 'lake', version: '1', refused }])
  })

  test('are told as they are when nobody waits any longer, and by whom they are not told', async () => {
    const peers = bookOf('lake', 'stream')
    peers.reported('stream', report())
    const told = await refusedCallersOf({ peers }, { services: ['lake', 'stream'], after: 1, wait: 0 })
    assert.deepEqual(
      told.peers.map(({ service, refused }) => [service, refused]),
      [
        ['lake', undefined],
        ['stream', undefined],
      ],
    )
  })
})
