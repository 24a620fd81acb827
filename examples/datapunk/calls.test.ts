import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import type { Accepted, Mesh } from '@datapunk/mesh'
import { Calls } from './calls.ts'

function fakeMesh() {
  return Object.assign(new EventEmitter(), { self: { service: 'lake' } }) as unknown as Mesh & EventEmitter
}

function accepted(serial: string, direction: 'in' | 'out' = 'in'): Accepted {
  const peer = { service: 'stream', serial, notAfter: Date.UTC(2027, 0, 1) } as Accepted['peer']
  return { direction, peer, remote: '127.0.0.1:40000', protocol: 'TLSv1.3', resumed: false }
}

test('each new connection is a line, and counted by caller and certificate', () => {
  const lines: string[] = []
  const mesh = fakeMesh()
  const calls = new Calls(
    mesh,
    (line) => lines.push(line),
    () => 7,
  )
  for (const serial of ['00f2486bee01', '00f2486bee01', '5a00000002']) mesh.emit('accepted', accepted(serial))
  assert.equal(lines[0], 'stream → lake   certificate 00f2486b until 2027-01-01T00:00:00Z')
  assert.equal(lines.length, 3)
  assert.deepEqual(
    calls.list.map(({ caller, callee, certificate, connections, last }) => [
      caller,
      callee,
      certificate,
      connections,
      last,
    ]),
    [
      ['stream', 'lake', '00f2486bee01', 2, 7],
      ['stream', 'lake', '5a00000002', 1, 7],
    ],
  )
})

test('calls that the service makes itself are told by those it calls', () => {
  const lines: string[] = []
  const mesh = fakeMesh()
  const calls = new Calls(mesh, (line) => lines.push(line), Date.now)
  mesh.emit('accepted', accepted('01', 'out'))
  assert.deepEqual([lines, calls.list], [[], []])
})

test('refused connections are lines, and counted', () => {
  const lines: string[] = []
  const mesh = fakeMesh()
  const calls = new Calls(mesh, (line) => lines.push(line), Date.now)
  mesh.emit('refused', { direction: 'in', remote: '127.0.0.1:40000', message: 'found none' })
  assert.deepEqual(lines, ['refused a caller at 127.0.0.1:40000: found none'])
  assert.equal(calls.refused, 1)
})

test('only so many are kept: those of the last', () => {
  const mesh = fakeMesh()
  const calls = new Calls(mesh, () => {}, Date.now)
  for (let n = 0; n < 150; n++) mesh.emit('accepted', accepted(n.toString(16).padStart(4, '0')))
  assert.equal(calls.list.length, 100)
  assert.equal(calls.list.at(-1)?.certificate, '0095')
})
