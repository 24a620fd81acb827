import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PeerSocket } from '../testing/peer-socket.ts'
import { liveService } from './live-service.ts'

test('of a service are told its processes, and the answers that are stapled to what it shows', async (t) => {
  const served = await PeerSocket.served(t)
  const { engine } = served
  const { peers } = engine
  const lake = served.serialOf('lake')
  for (const service of ['lake', 'stream'])
    peers.arrived({ service, instance: service, version: '1', peer: service, serial: '01', revoked: false })
  const staple = async (serial: string) => (serial === lake ? Uint8Array.of(1) : undefined)
  const told = async (service: string) => {
    const { peers, staples } = await liveService({ ...engine, staple }, service)
    return [peers.map(({ peer }) => peer), staples]
  }
  assert.deepEqual(await told('lake'), [['lake'], [{ serial: lake, answer: 'AQ==' }]])
  assert.deepEqual(await told('stream'), [['stream'], []])
})
