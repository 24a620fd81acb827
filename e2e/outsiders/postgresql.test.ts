import assert from 'node:assert/strict'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Child, type ChildOptions } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { freePort, needs, program } from '../outsider.ts'
import { quoted, snippet } from '../readme.ts'
import { swapUnderLoad } from '../swapping.ts'
import { certificatesIn } from '../whole-pair.ts'

/** PostgreSQL refuses to run as root: there it is the user of Debian's package, who then owns the pair. */
const asRoot = process.geteuid?.() === 0

test(
  'PostgreSQL serves with our files to members alone, and no query fails while pairs are swapped',
  needs('initdb', 'postgres', 'psql', 'openssl'),
  async (t) => {
    const owned = asRoot ? { owner: 'postgres' } : {}
    const mesh = await MeshFolder.applied({ services: { db: owned, stream: {} } })
    t.after(() => mesh.remove())
    const port = await freePort()
    const postgres = await startPostgres(mesh, port)
    t.after(() => postgres.stop('SIGINT'))
    const psql = (service: string, ...args: string[]) =>
      Child.run(program('psql'), ['-X', '-A', '-t', ...args], { env: clientOf(mesh, service, port) })

    const lasting = Child.start(program('psql'), ['-X', '-A', '-t'], {
      env: clientOf(mesh, 'stream', port),
      input: "select 'still here' \\watch 0.05\n",
    })
    t.after(() => lasting.stop())
    await lasting.says(/still here/)

    const calls = await swapUnderLoad({
      folder: mesh,
      service: 'db',
      times: 8,
      atOnce: 2,
      reload: async () => postgres.signal('SIGHUP'),
      shown: () => shownSerial(mesh, port),
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

async function startPostgres(mesh: MeshFolder, port: number): Promise<Child> {
  const user: ChildOptions = asRoot ? await idsOf('postgres') : {}
  const data = join(mesh.folder, 'postgresql')
  mkdirSync(data, { mode: 0o700 })
  if (user.uid !== undefined && user.gid !== undefined) chownSync(data, user.uid, user.gid)
  await Child.output(
    program('initdb'),
    [
      '--no-sync',
      '--auth=reject',
      `--username=${nameOf('stream')}`,
      '--encoding=UTF8',
      '--no-locale',
      '-D',
      data,
    ],
    { ...user, cwd: data },
  )
  writeFileSync(join(data, 'pg_hba.conf'), `${quoted('hostssl all all all cert')}\n`)
  const place = `listen_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = ''\nfsync = off\n`
  writeFileSync(join(data, 'postgresql.conf'), `${place}${snippet('postgresql', mesh)}`)
  const postgres = Child.start(program('postgres'), ['-D', data], { ...user, cwd: data })
  await postgres.says(/database system is ready to accept connections/)
  return postgres
}

/** What is in the certificate is the user. */
const nameOf = (service: string) => `${service}.service.datapunk`

/** What libpq reads from its environment. */
function clientOf(mesh: MeshFolder, service: string, port: number): Record<string, string> {
  const { cert, key } = mesh.pair(service)
  return {
    ...{ PGHOST: 'db.service.datapunk', PGHOSTADDR: '127.0.0.1', PGPORT: `${port}` },
    ...{ PGUSER: nameOf(service), PGDATABASE: 'postgres' },
    ...{ PGSSLMODE: 'verify-full', PGSSLROOTCERT: mesh.caCert, PGSSLCERT: cert, PGSSLKEY: key },
  }
}

async function shownSerial(mesh: MeshFolder, port: number): Promise<string> {
  const { stdout } = await Child.run(program('openssl'), [
    ...['s_client', '-starttls', 'postgres', '-connect', `127.0.0.1:${port}`, '-CAfile', mesh.caCert],
  ])
  const [pem = ''] = stdout.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/) ?? []
  const [certificate] = certificatesIn(Buffer.from(pem))
  assert.ok(certificate, stdout)
  return certificate.serial
}

async function idsOf(user: string): Promise<{ uid: number; gid: number }> {
  const id = async (flag: string) => Number(await Child.output('id', [flag, user]))
  return { uid: await id('-u'), gid: await id('-g') }
}
