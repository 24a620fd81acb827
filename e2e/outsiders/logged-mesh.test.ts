import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd, freePort } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { Greeter } from '../greeter.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { startMtls } from '../mtls.ts'
import { needs, program } from '../outsider.ts'

interface LogList {
  readonly operators: readonly {
    readonly tiled_logs: readonly {
      readonly description: string
      readonly key: string
      readonly state: object
    }[]
  }[]
}

/** A mesh under `mtls up`, whose log list is served at `url`. */
async function upMesh(t: TestContext): Promise<{ mesh: MeshFolder; url: string }> {
  const http = `127.0.0.1:${await freePort()}`
  const url = `http://${http}`
  const authority = { store_ca_keys_in_clear: true, http, public_url: url }
  const mesh = MeshFolder.planned({ authority, services: { lake: {}, stream: {} } })
  const up = startMtls(['up', '--config', mesh.configFile])
  atEnd(t, async () => {
    await up.stop()
    mesh.remove()
  })
  await up.says(/status served/)
  await up.says(/ready/)
  return { mesh, url }
}

test(
  'openssl finds what `mtls up` issues promised by a log of the list that it serves',
  needs('openssl'),
  async (t) => {
    const { mesh, url } = await upMesh(t)
    const lake = await Greeter.start(mesh, 'lake')
    atEnd(t, () => lake.stop())
    const list = (await (await fetch(`${url}/log/log-list.json`)).json()) as LogList
    const logs = list.operators.flatMap(({ tiled_logs }) => tiled_logs)
    assert.deepEqual(
      logs.map(({ state }) => Object.keys(state)),
      [['usable']],
    )
    const known = join(mesh.folder, 'logs.cnf')
    writeFileSync(known, logFile(logs))
    const { cert, key } = mesh.pair('stream')
    const { stdout, stderr } = await Child.run(program('openssl'), [
      ...['s_client', '-connect', `127.0.0.1:${lake.port}`, '-servername', 'lake.service.datapunk'],
      ...['-cert', cert, '-key', key, '-CAfile', mesh.caCert, '-ct', '-ctlogfile', known],
    ])
    const said = stdout + stderr
    // It ends well without any SCT too, so they are counted.
    assert.match(said, /SCTs present \(1\)/)
    assert.deepEqual(
      [...said.matchAll(/SCT validation status: (.*)/g)].map(([, status]) => status),
      ['valid'],
    )
    assert.match(said, /Verify return code: 0/)

    const others = join(mesh.folder, 'others.cnf')
    writeFileSync(others, 'enabled_logs =\n')
    const unknown = await Child.run(program('openssl'), [
      ...['s_client', '-connect', `127.0.0.1:${lake.port}`, '-servername', 'lake.service.datapunk'],
      ...['-cert', cert, '-key', key, '-CAfile', mesh.caCert, '-ct', '-ctlogfile', others],
    ])
    assert.match(unknown.stdout + unknown.stderr, /SCT validation status: unknown log/)
  },
)

/** As openssl's `CTLOG_STORE_load_file` reads logs. */
function logFile(logs: LogList['operators'][number]['tiled_logs']): string {
  const sections = logs.map(
    ({ description, key }, at) => `[log${at}]\ndescription = ${description}\nkey = ${key}\n`,
  )
  return `enabled_logs = ${logs.map((_, at) => `log${at}`).join(', ')}\n${sections.join('')}`
}
