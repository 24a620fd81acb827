import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { TestMesh } from '@datapunk/testkit'
import { Counter, Registry } from 'prom-client'
import { join, type Mesh, type OperatorPlace } from '../index.ts'
import { listen } from '../testing/listen.ts'
import { callAsStranger } from '../testing/stranger.ts'
import { metricsOf } from './index.ts'

const DAY = 24 * 60 * 60

describe('a service seen by its operator', () => {
  let testMesh: TestMesh
  let lake: Mesh
  let stream: Mesh
  let place: OperatorPlace

  before(async () => {
    testMesh = await TestMesh.create({ services: { lake: { allow: ['stream'] }, stream: {} } })
    const options = { config: testMesh.configFile }
    ;[lake, stream] = await Promise.all([join('lake', options), join('stream', options)])
    place = await lake.serveOperator()
  })
  after(async () => {
    await Promise.all([lake.leave(), stream.leave()])
    await testMesh.remove()
  })

  const ask = (path: string) => fetch(`http://${place.host}:${place.port}${path}`)
  const samples = async () => {
    const lines = (await (await ask('/metrics')).text()).split('\n').filter((one) => /^\w/.test(one))
    return new Map(lines.map((one) => [one.replace(/ \S+$/, ''), Number(one.replace(/.* /, ''))]))
  }
  const readiness = async () => {
    const answer = await ask('/readyz')
    return [answer.status, await answer.text()] as const
  }

  test('metrics tell how long things last', async () => {
    const seen = await samples()
    const bundle = seen.get('mtls_bundle_expiry_seconds') ?? 0
    assert.ok(bundle > 6.9 * DAY && bundle <= 7 * DAY, `${bundle}`)
    assert.equal(seen.get('mtls_bundle_lifetime_seconds'), 7 * DAY)
    assert.equal(seen.get('mtls_outage_budget_seconds'), bundle)
    // Of seven days one has gone by when the next bundle is signed.
    assert.equal(seen.get('mtls_outage_budget_expected_seconds'), 6 * DAY)
    const ofKind = (kind: string) => seen.get(`mtls_certificate_expiry_seconds{kind="${kind}"}`) ?? 0
    assert.ok(bundle < ofKind('leaf') && ofKind('leaf') <= ofKind('issuing-ca'))
    assert.ok(ofKind('issuing-ca') <= ofKind('root'))
    assert.equal(seen.get('mtls_ready'), 1)
    assert.equal(seen.get('mtls_authority_heard'), 0)
  })

  test('metrics count connections, by result and rule', async () => {
    const server = lake.createServer((_request, response) => response.end('hello'))
    const port = await listen(server)
    await (await stream.fetch(`https://lake.service.datapunk:${port}/`)).text()
    await callAsStranger(port, 'GET / HTTP/1.1\r\n\r\n')
    const seen = await samples()
    assert.equal(seen.get('mtls_handshakes_total{result="accepted",rule=""}'), 1)
    assert.equal(seen.get('mtls_handshakes_total{result="refused",rule="NO_CERTIFICATE"}'), 1)
    assert.equal(seen.get('mtls_connections_open'), 1)
    assert.equal(seen.get('mtls_log_alarms_total{kind="contradiction"}'), 0)
    server.close()
  })

  test('a rotation and a problem are counted', async () => {
    await testMesh.rotate('lake')
    await lake.refresh()
    assert.equal((await samples()).get('mtls_rotations_total'), 1)
    await testMesh.writePair('lake', 'no certificate', 'no key')
    await lake.refresh()
    assert.ok((await samples()).get('mtls_problems_total{code="CERTIFICATE_UNREADABLE"}'))
    await testMesh.rotate('lake')
    await lake.refresh()
  })

  test('it is not ready while it is revoked, and ready again with another pair', async () => {
    assert.deepEqual(await readiness(), [200, 'ok\n'])
    await testMesh.revoke(testMesh.newestLeaf('lake').certificate.serial)
    await lake.refresh()
    const [status, reason] = await readiness()
    assert.equal(status, 503)
    assert.match(reason, /lake itself among those that bundle .* lists as revoked.*\[SELF_REVOKED\]\n$/)
    assert.equal((await samples()).get('mtls_ready'), 0)
    assert.equal((await ask('/healthz')).status, 200)
    await testMesh.rotate('lake')
    await lake.refresh()
    assert.deepEqual(await readiness(), [200, 'ok\n'])
  })

  test('it is not ready without a bundle that is valid now', async () => {
    await testMesh.publish(testMesh.ca.at - 8 * DAY * 1000)
    await lake.refresh()
    const [status, reason] = await readiness()
    assert.deepEqual([status, /\[(\w+)\]/.exec(reason)?.[1]], [503, 'BUNDLE_EXPIRED'])
    await testMesh.publish()
    await lake.refresh()
    assert.equal((await readiness())[0], 200)
  })

  test('its metrics go into a registry that a service has already', async () => {
    const own = new Registry()
    new Counter({ name: 'orders_total', help: 'Orders', registers: [own] }).inc()
    const all = await Registry.merge([own, metricsOf(lake)]).metrics()
    assert.match(all, /^orders_total 1$/m)
    assert.match(all, /^mtls_ready 1$/m)
  })

  test('the port ends with the membership', async () => {
    const leaver = await join('stream', { config: testMesh.configFile })
    const { host, port } = await leaver.serveOperator({ host: '127.0.0.1' })
    assert.equal((await fetch(`http://${host}:${port}/healthz`)).status, 200)
    await leaver.leave()
    await assert.rejects(fetch(`http://${host}:${port}/healthz`))
    await assert.rejects(leaver.serveOperator(), { code: 'LEFT' })
  })
})
