import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { Greeter } from '../greeter.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { needs, program } from '../outsider.ts'

test('curl gets an answer with a certificate, and nothing without', needs('curl'), async (t) => {
  const mesh = await MeshFolder.applied({ services: { lake: { allow: ['stream'] }, stream: {}, nexus: {} } })
  atEnd(t, () => mesh.remove())
  const lake = await Greeter.start(mesh, 'lake')
  atEnd(t, () => lake.stop())
  const curl = (url: string, ...args: string[]) => {
    const where = ['--connect-to', `::127.0.0.1:${lake.port}`, '--cacert', mesh.caCert]
    return Child.run(program('curl'), ['--silent', '--show-error', '--include', ...where, ...args, url])
  }
  const as = (service: string) => ['--cert', mesh.pair(service).cert, '--key', mesh.pair(service).key]

  assert.match((await curl(lake.url, ...as('stream'))).stdout, /200 OK[\s\S]*hello stream/)
  assert.equal(lake.calls, 1)

  const stranger = await curl(lake.url)
  assert.notEqual(stranger.code, 0)
  assert.equal(stranger.stdout, '')
  // A member without the right is told so, because it is a member.
  const member = await curl(lake.url, ...as('nexus'))
  assert.match(member.stdout, /403 Forbidden[\s\S]*application\/problem\+json/)
  const elsewhere = await curl('https://nexus.service.datapunk/', ...as('stream'))
  assert.match(elsewhere.stderr, /no alternative certificate subject name matches/)
  assert.equal(lake.calls, 1)
})
