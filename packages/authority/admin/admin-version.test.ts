import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { z } from 'zod'
import { configIn, no, openAuthority, temporaryFolder } from '../testing/test-authority.ts'
import { adminRequests, backupCall } from './admin-requests.ts'
import { adminVersion, PROTOCOL, VERSION } from './admin-version.ts'
import { askConsoleLink, connectAdmin } from './connect-admin.ts'

/** Of what every call takes, and of what the calls give that tell the most. Whoever changes it raises `PROTOCOL`. */
const KNOWN = { protocol: 3, digest: '09fc4cbf60653324d9a8e90aed33cdd3be2338bc16dba282eba6215416684db6' }

test('what is said over the socket changes only together with its number', async () => {
  const authority = await openAuthority(configIn(temporaryFolder(), { lake: {} }))
  const plan = await authority.plan()
  const applied = await authority.apply(no)
  const status = await authority.status()
  const preview = await authority.previewRevocation({
    targets: [{ service: 'lake' }],
    reason: 'superseded',
  })
  await authority.close()
  const takes = z.toJSONSchema(z.strictObject({ ...adminRequests, backup: backupCall }), {
    unrepresentable: 'any',
  })
  const gives = [plan, applied, status, preview].map(namesIn)
  const digest = createHash('sha256')
    .update(JSON.stringify([takes, gives]))
    .digest('hex')
  assert.deepEqual({ protocol: PROTOCOL, digest }, KNOWN)
})

/** The names of what is in a value, at every depth. */
function namesIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(namesIn)
  if (typeof value !== 'object' || value === null) return null
  return Object.entries(value)
    .map(([name, inner]) => [name, namesIn(inner)])
    .sort()
}

test('nobody who is of another version is asked anything', async (t) => {
  const socket = join(temporaryFolder(), 'admin.sock')
  let says: string | undefined = adminVersion
  const asked: (string | undefined)[] = []
  const said = new Set<unknown>()
  const server = createServer((request, response) => {
    asked.push(request.url)
    said.add(request.headers[VERSION])
    if (says !== undefined) response.setHeader(VERSION, says)
    response.end('true')
  }).listen(socket)
  atEnd(t, () => server.close())
  await once(server, 'listening')
  const asker = { purpose: 'status' }
  const other = (found: string) => ({
    code: 'VERSION_OTHER',
    message: new RegExp(`another version \\(${found}\\); allowed: .*Restart \`mtls up\``),
  })

  const same = await connectAdmin(socket, asker)
  // Restarted since: what it says now is not read as if it were of this version.
  says = '9.0.0, protocol 7, schema 90'
  await assert.rejects(same!.status(), other('9.0.0, protocol 7, schema 90'))
  await assert.rejects(connectAdmin(socket, asker), other('9.0.0, protocol 7, schema 90'))
  await assert.rejects(askConsoleLink(socket, { readOnly: true }, asker), other('9.0.0, .*'))
  says = undefined
  await assert.rejects(connectAdmin(socket, asker), other('none that it says'))
  assert.deepEqual(asked, ['/ping', '/status', '/ping', '/console-link', '/ping'])
  assert.deepEqual([...said], [adminVersion])
})
