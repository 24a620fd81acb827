import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd, freePort } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { needs, program } from '../outsider.ts'
import { clientOf, postgresOwner, shownByPostgres, startPostgres } from '../postgresql.ts'
import { swapUnderLoad } from '../swapping.ts'

test(
  'PostgreSQL serves with our files to members alone, and no query fails while pairs are swapped',
  needs('initdb', 'postgres', 'psql', 'openssl'),
  async (t) => {
    const mesh = await MeshFolder.applied({ services: { db: postgresOwner, stream: {} } })
    atEnd(t, () => mesh.remove())
    const port = await freePort()
    const postgres = await startPostgres(mesh, port)
    atEnd(t, () => postgres.stop('SIGINT'))
    const psql = (service: string, ...args: string[]) =>
      Child.run(program('psql'), ['-X', '-A', '-t', ...args], { env: clientOf(mesh, service, port) })

    const lasting = Child.start(program('psql'), ['-X', '-A', '-t'], {
      env: clientOf(mesh, 'stream', port),
      input: "select 'still here' \\watch 0.05\n",
    })
    atEnd(t, () => lasting.stop())
    await lasting.says(/still here/)

    const calls = await swapUnderLoad({
      folder: mesh,
      service: 'db',
      times: 8,
      atOnce: 2,
      reload: async () => postgres.signal('SIGHUP'),
      shown: () => shownByPostgres(mesh, port),
      call: async () => {
        const { stdout, stderr } = await psql(
          'stream',
          '-c',
          'select client_dn from pg_stat_ssl where pid = pg_backend_pid()',
        )
        assert.equal(stdout, '/C=US/O=Datapunk/CN=stream.service.datapunk\n', stderr)
      },
    })
    t.diagnostic(`${calls} calls`)
    const { length } = lasting.stdout
    await lasting.more()
    assert.ok(lasting.stdout.length > length, lasting.stderr)

    const { PGSSLCERT: _cert, PGSSLKEY: _key, ...none } = clientOf(mesh, 'stream', port)
    const stranger = await Child.run(program('psql'), ['-X', '-c', 'select 1'], {
      env: { ...none, PGSSLCERT: join(mesh.folder, 'none'), PGSSLKEY: join(mesh.folder, 'none') },
    })
    assert.notEqual(stranger.code, 0)
    assert.equal(stranger.stdout, '')
    await postgres.says(/connection requires a valid client certificate/)
  },
)
