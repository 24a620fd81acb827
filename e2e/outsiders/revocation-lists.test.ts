import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { join as joinMesh } from '@datapunk/mesh'
import { atEnd, freePort } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { KeptAuthority } from '../kept-authority.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { nginxArguments, startNginx } from '../nginx.ts'
import { needs, program } from '../outsider.ts'
import { clientOf, postgresOwner, startPostgres } from '../postgresql.ts'

/** OpenSSL's own verdict, with the list of every CA of the chain. */
async function verdict(mesh: MeshFolder, certificate: string): Promise<string> {
  const { code, stdout, stderr } = await Child.run(program('openssl'), [
    ...[
      'verify',
      '-x509_strict',
      '-crl_check_all',
      '-CAfile',
      mesh.caCert,
      '-CRLfile',
      mesh.config.paths.crl,
    ],
    ...['-untrusted', certificate, certificate],
  ])
  return code === 0 ? 'good' : (/certificate revoked/.exec(stdout + stderr)?.[0] ?? stdout + stderr)
}

/** A copy of a service's certificate as it is now. */
async function keep(mesh: MeshFolder, service: string): Promise<string> {
  const copy = join(mesh.folder, `${service}-${Date.now()}.crt`)
  writeFileSync(copy, await Child.output('cat', [mesh.pair(service).cert]))
  return copy
}

test(
  'openssl goes by our lists, also while a root rolls over and after an issuing CA was stolen',
  needs('openssl'),
  async (t) => {
    const mesh = await MeshFolder.applied({ services: { lake: {}, stream: {} } })
    atEnd(t, () => mesh.remove())
    const authority = await mesh.authority()
    atEnd(t, () => authority.close())
    const { crl } = mesh.config.paths
    const lists = async () => {
      const text = await Child.output(program('openssl'), ['storeutl', '-noout', '-text', '-crls', crl])
      return [...text.matchAll(/X509v3 CRL Number:\s+(\w+)/g)].length
    }
    const [lake, stream] = [await keep(mesh, 'lake'), await keep(mesh, 'stream')]
    assert.deepEqual(
      [await verdict(mesh, lake), await verdict(mesh, stream), await lists()],
      ['good', 'good', 2],
    )
    await authority.revoke({ targets: [{ service: 'lake' }], reason: 'key-compromise' })
    assert.deepEqual(
      [await verdict(mesh, lake), await verdict(mesh, stream)],
      ['certificate revoked', 'good'],
    )
    const text = await Child.output(program('openssl'), ['storeutl', '-noout', '-text', '-crls', crl])
    assert.match(text, /X509v3 CRL Reason Code:\s+Key Compromise/)

    await authority.rotate({ what: 'root', without: [] })
    const slots = (await authority.status()).cas.map(({ slot, state }) => `${slot} ${state}`)
    assert.ok(slots.includes('root-1 retiring') && slots.includes('root-2 active'), slots.join())
    assert.equal(await lists(), 4)
    assert.deepEqual(
      [await verdict(mesh, lake), await verdict(mesh, stream)],
      ['certificate revoked', 'good'],
    )
    const anew = await keep(mesh, 'stream')
    assert.equal(await verdict(mesh, anew), 'good')

    await authority.rotate({ what: 'compromised', kind: 'issuing-ca' })
    assert.notEqual(await verdict(mesh, anew), 'good')
    assert.equal(await verdict(mesh, await keep(mesh, 'stream')), 'good')
  },
)

test(
  'nginx refuses a revoked client once it is told, and nobody else, without a restart',
  needs('nginx', 'curl'),
  async (t) => {
    const port = await freePort()
    const services = { lake: {}, stream: {}, web: {} }
    const mesh = await MeshFolder.applied({ services })
    atEnd(t, () => mesh.remove())
    const nginx = await startNginx(mesh, port)
    atEnd(t, () => nginx.stop('SIGQUIT'))
    const command = [program('nginx'), ...nginxArguments(mesh), '-s', 'reload']
    mesh.write({ services: { ...services, web: { reload: { command } } } })
    const kept = await KeptAuthority.start(mesh)
    atEnd(t, () => kept.stop())
    await kept.authority.apply({ approve: () => true })
    const call = async (service: string) => {
      const { cert, key } = mesh.pair(service)
      const { stdout } = await Child.run(program('curl'), [
        ...['-s', '--cacert', mesh.caCert, '--cert', cert, '--key', key],
        ...['--resolve', `web.service.datapunk:${port}:127.0.0.1`, `https://web.service.datapunk:${port}/`],
      ])
      return /SUCCESS|revoked|400/.exec(stdout)?.[0] ?? stdout
    }
    assert.deepEqual([await call('lake'), await call('stream')], ['SUCCESS', 'SUCCESS'])
    await kept.authority.revoke({ targets: [{ service: 'lake' }], reason: 'key-compromise' })
    // It reads its files in its own time.
    let answer = 'SUCCESS'
    while (answer === 'SUCCESS') answer = await call('lake')
    assert.deepEqual([answer, await call('stream')], ['400', 'SUCCESS'])
    const stream = await joinMesh('stream', { config: mesh.configFile })
    atEnd(t, () => stream.leave())
    const own = await stream.fetch(`https://web.service.datapunk:${port}/`)
    assert.match(await own.text(), /SUCCESS/)
  },
)

test(
  'PostgreSQL refuses a revoked client once it is told, and nobody else',
  needs('initdb', 'postgres', 'psql'),
  async (t) => {
    const port = await freePort()
    const services = { stream: {}, lake: {}, db: postgresOwner }
    const mesh = await MeshFolder.applied({ services })
    atEnd(t, () => mesh.remove())
    const postgres = await startPostgres(mesh, port)
    atEnd(t, () => postgres.stop('SIGINT'))
    mesh.write({
      services: { ...services, db: { ...postgresOwner, reload: { signal: 'HUP', pid: postgres.pid } } },
    })
    const kept = await KeptAuthority.start(mesh)
    atEnd(t, () => kept.stop())
    await kept.authority.apply({ approve: () => true })
    const psql = (service: string) =>
      Child.run(program('psql'), ['-X', '-A', '-t', '-c', 'select 1'], {
        env: { ...clientOf(mesh, service, port) },
      })
    assert.equal((await psql('stream')).stdout, '1\n')
    const before = await keep(mesh, 'stream')
    assert.equal(await verdict(mesh, before), 'good')
    await kept.authority.revoke({ targets: [{ service: 'stream' }], reason: 'superseded' })
    for (;;) {
      const { code, stderr } = await psql('stream')
      if (code === 0) continue
      assert.match(stderr, /revoked|certificate/)
      break
    }
    await kept.authority.issue('stream')
    assert.equal((await psql('stream')).stdout, '1\n')
  },
)
