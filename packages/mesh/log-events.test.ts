import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { atEnd, TestMesh } from '@datapunk/testkit'
import { join, logEvents } from './index.ts'
import { listen } from './testing/listen.ts'
import { callAsStranger } from './testing/stranger.ts'

test('each event of a service is one line, with its level and its fields', async (t) => {
  const testMesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
  atEnd(t, () => testMesh.remove())
  const lake = await join('lake', { config: testMesh.configFile })
  atEnd(t, () => lake.leave())
  const logged: { level: string; fields: Record<string, unknown>; message: string }[] = []
  const take = (level: string) => (fields: object, message: string) =>
    logged.push({ level, fields: { ...fields }, message })
  const stop = logEvents(lake, { info: take('info'), warn: take('warn'), error: take('error') })
  const next = (event: string) => {
    const line = logged.find(({ fields }) => fields.event === event)
    logged.length = 0
    return line
  }

  const server = lake.createServer()
  const port = await listen(server)
  atEnd(t, () => server.close())
  const refused = once(lake, 'refused')
  await callAsStranger(port, 'GET / HTTP/1.1\r\n\r\n')
  await refused
  const refusal = next('refused')
  assert.deepEqual(
    [refusal?.level, refusal?.fields.service, refusal?.fields.rule],
    [...['warn', 'lake', 'NO_CERTIFICATE']],
  )
  assert.match(refusal?.message ?? '', /^found a caller without a certificate.*: present the pair/)

  const { serial } = testMesh.newestLeaf('lake').certificate
  const { certificate } = await testMesh.rotate('lake')
  await lake.refresh()
  const { level, fields, message } = next('rotated') ?? {}
  assert.deepEqual([level, fields?.from, fields?.to], ['info', serial, certificate.serial])
  assert.match(`${fields?.until} ${message}`, /^\d{4}-\d\d-\d\dT\S+Z new handshakes use a new pair$/)

  await testMesh.revoke(certificate.serial)
  await lake.refresh()
  const lines = logged.map(({ level, fields: { event, bundle } }) => [level, event, bundle])
  assert.deepEqual(lines, [
    ['error', 'revoked', '1.2'],
    ['info', 'updated', '1.2'],
    ['warn', 'problem', undefined],
  ])

  stop()
  logged.length = 0
  await testMesh.rotate('lake')
  await lake.refresh()
  assert.deepEqual(logged, [])
})
