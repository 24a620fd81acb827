import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd, freePort } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { mtls, startMtls } from '../mtls.ts'
import { nginxArguments, startNginx } from '../nginx.ts'
import { needs, program } from '../outsider.ts'
import { postgresOwner, startPostgres } from '../postgresql.ts'
import { snippet } from '../readme.ts'

/** A program that reads our files, set up as the README says. */
interface FileReader {
  readonly programs: readonly string[]
  /** What the config says of it, besides its address. */
  readonly settings: (mesh: MeshFolder) => Readonly<Record<string, unknown>>
  readonly start: (mesh: MeshFolder, port: number) => Promise<Child>
  readonly stop?: NodeJS.Signals
  /** What the probe finds, where that is not `refused`. */
  readonly finds: Readonly<Record<string, string>>
}

const fileReaders: Readonly<Record<string, FileReader>> = {
  web: {
    programs: ['nginx'],
    settings: (mesh) => ({ reload: [program('nginx'), ...nginxArguments(mesh), '-s', 'reload'] }),
    start: (mesh, port) => startNginx(mesh, port),
    stop: 'SIGQUIT',
    finds: { 'not-allowed': 'not-asked' },
  },
  db: {
    programs: ['initdb', 'postgres'],
    settings: (mesh) => {
      const pidFile = join(mesh.folder, 'postgresql/postmaster.pid')
      return { ...postgresOwner, reload: { signal: 'HUP', pid_file: pidFile } }
    },
    start: startPostgres,
    stop: 'SIGINT',
    finds: {},
  },
  cache: {
    programs: ['redis-server'],
    settings: () => ({ delivery: 'files' }),
    start: async (mesh, port) => {
      const file = join(mesh.folder, 'redis.conf')
      writeFileSync(file, `bind 127.0.0.1\nsave ""\ndir ${mesh.folder}\n${snippet('redis', mesh)}`)
      const redis = Child.start(program('redis-server'), [file, '--port', '0', '--tls-port', `${port}`])
      await redis.says(/Ready to accept connections/)
      return redis
    },
    // It reads no revocation lists.
    finds: { revoked: 'let-in', 'not-allowed': 'not-asked' },
  },
}

for (const [service, reader] of Object.entries(fileReaders)) {
  const name = reader.programs.at(-1)
  test(`mtls probe of ${name}, which reads files`, needs(...reader.programs), (t) =>
    probes(t, service, reader),
  )
}

async function probes(t: TestContext, service: string, reader: FileReader): Promise<void> {
  const port = await freePort()
  const mesh = MeshFolder.planned({ services: { stream: {} } })
  atEnd(t, () => mesh.remove())
  const settings = { address: `127.0.0.1:${port}`, ...reader.settings(mesh) }
  mesh.write({ services: { [service]: settings, stream: {} } })
  await mesh.apply()
  const running = await reader.start(mesh, port)
  atEnd(t, () => running.stop(reader.stop))
  const up = startMtls(['up', '--config', mesh.configFile])
  atEnd(t, () => up.stop())
  await up.says(/ready:/)

  const { code, stdout, stderr } = await mtls(['probe', service, '--config', mesh.configFile, '--json'])
  assert.notEqual(stdout, '', stderr)
  const { cells } = JSON.parse(stdout) as { cells: { case: string; verdict: string; evidence: string }[] }
  assert.equal(cells.length, 10)
  for (const cell of cells)
    assert.equal(cell.verdict, reader.finds[cell.case] ?? 'refused', `${cell.case}: ${cell.evidence}`)
  assert.equal(code, Object.values(reader.finds).includes('let-in') ? 1 : 0)
}
