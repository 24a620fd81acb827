import assert from 'node:assert/strict'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child, type ChildOptions } from './child.ts'
import type { MeshFolder } from './mesh-folder.ts'
import { program } from './outsider.ts'
import { quoted, snippet } from './readme.ts'
import { certificatesIn } from './whole-pair.ts'

/** PostgreSQL refuses to run as root: there it is the user of Debian's package, who then owns the pair. */
const asRoot = process.geteuid?.() === 0

/** What the config says of the service that PostgreSQL is. */
export const postgresOwner = asRoot ? { owner: 'postgres' } : {}

/** PostgreSQL as the README has it, with the pair of the service `db`; `stream` may do everything in it. */
export async function startPostgres(mesh: MeshFolder, port: number): Promise<Child> {
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
export const nameOf = (service: string) => `${service}.service.datapunk`

/** What libpq reads from its environment. */
export function clientOf(mesh: MeshFolder, service: string, port: number): Record<string, string> {
  const { cert, key } = mesh.pair(service)
  return {
    ...{ PGHOST: 'db.service.datapunk', PGHOSTADDR: '127.0.0.1', PGPORT: `${port}` },
    ...{ PGUSER: nameOf(service), PGDATABASE: 'postgres' },
    ...{ PGSSLMODE: 'verify-full', PGSSLROOTCERT: mesh.caCert, PGSSLCERT: cert, PGSSLKEY: key },
  }
}

/** The serial of the certificate that it shows. */
export async function shownByPostgres(mesh: MeshFolder, port: number): Promise<string> {
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
