import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execPath } from 'node:process'
import { after, before, describe, test } from 'node:test'
import { atEnd, freePort } from '@datapunk/testkit'
import { Child, type Ending } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { needs } from '../outsider.ts'
import { snippet } from '../readme.ts'

const repository = resolve(import.meta.dirname, '../..')

const lake = `
import { join } from '@datapunk/mesh'
const mesh = await join('lake')
const server = mesh.createServer((request, response) => response.end(JSON.stringify(mesh.peer(request).service)))
server.listen(mesh.self.listen, () => console.log('serves'))
`

describe(
  'what is packed, where npm has installed it and nothing else of this repository lies',
  needs('npm', 'tsc'),
  () => {
    let folder: string
    let mesh: MeshFolder
    const installed = (path: string) => join(folder, 'node_modules', path)

    before(async () => {
      await Child.output('npm', ['run', 'pack'], { cwd: repository })
      const dist = join(repository, 'dist')
      const packed = readdirSync(dist).filter((name) => name.endsWith('.tgz'))
      folder = mkdtempSync(join(tmpdir(), 'installed-'))
      write('package.json', '{ "type": "module" }')
      const files = packed.map((name) => join(dist, name))
      await Child.output('npm', ['install', '--offline', ...files], { cwd: folder })

      const [lakePort, streamPort, http] = await Promise.all([freePort(), freePort(), freePort()])
      const at = (port: number) => ({ address: `127.0.0.1:${port}`, listen: `127.0.0.1:${port}` })
      mesh = MeshFolder.planned({
        services: { lake: at(lakePort), stream: at(streamPort) },
        authority: {
          ...{ console: '127.0.0.1:0', metrics: 'none' },
          ...{ http: `127.0.0.1:${http}`, public_url: `http://127.0.0.1:${http}` },
        },
      })
    })

    after(() => {
      mesh.remove()
      rmSync(folder, { recursive: true })
    })

    test('it is JavaScript with its types, and the page: nothing of a test', () => {
      const files = readdirSync(installed('@datapunk'), { recursive: true, encoding: 'utf8' })
      const ours = files.filter((file) => !/node_modules\/(?!@datapunk\/)/.test(file))
      assert.ok(ours.includes('cli/node_modules/@datapunk/authority/index.js'))
      const isSource = (file: string) => /(?<!\.d)\.ts$/.test(file) && !file.includes('/console/page/')
      const isOfTests = (file: string) => /\.test\.|\/testing(\/|$)|tsconfig/.test(file)
      assert.deepEqual(
        ours.filter((file) => isSource(file) || isOfTests(file)),
        [],
      )
    })

    test('npm finds all that it depends on', async () => {
      await Child.output('npm', ['ls', '--all'], { cwd: folder })
    })

    test('the service of the README compiles, and one that asks for what is not there does not', async () => {
      const code = snippet('service', mesh)
      const right = await compiled('right.ts', code)
      assert.deepEqual([right.stdout, right.code], ['', 0])
      const wrong = await compiled('wrong.ts', code.replace('self.listen', 'self.hears'))
      assert.match(wrong.stdout, /'hears' does not exist on type 'Self'/)
    })

    test('`mtls up` keeps a mesh, answers, shows it, and its services call each other', async (t) => {
      const env = { MTLS_CONFIG: mesh.configFile, MTLS_ENV: '', MTLS_ROOT: '' }
      const mtls = installed('.bin/mtls')
      const up = Child.start(mtls, ['up'], { env })
      atEnd(t, () => up.stop())
      const [, page = ''] = await up.says(/console served\s+url (\S+)/)
      await up.says(/ready:/)

      const { infoAccess = '' } = new X509Certificate(readFileSync(mesh.pair('lake').cert))
      const issuer = /http:.*\.cer/.exec(infoAccess)?.[0] ?? ''
      const script = new URL(/src="(.+?)"/.exec(await (await fetch(page)).text())?.[1] ?? '', page)
      for (const url of [issuer, script, new URL('/tlog/proof-steps.ts', page)]) {
        assert.equal((await fetch(url)).status, 200, `${url}`)
      }

      const start = (file: string, code: string) => {
        const service = Child.start(execPath, [write(file, code)], { env })
        atEnd(t, () => service.stop())
        return service
      }
      await start('lake.js', lake).says(/serves/)
      await start('stream.js', snippet('service', mesh)).says(/stream/)
      await Child.output(mtls, ['rotate', 'stream'], { env })
      await Child.output(mtls, ['why', 'stream', 'lake'], { env })
    })

    function write(name: string, text: string): string {
      const file = join(folder, name)
      writeFileSync(file, text)
      return file
    }

    function compiled(name: string, code: string): Promise<Ending> {
      const types = ['--types', 'node', '--typeRoots', join(repository, 'node_modules/@types')]
      const options = ['--ignoreConfig', '--noEmit', '--strict', '--target', 'esnext', '--module', 'nodenext']
      return Child.run('tsc', [...options, ...types, write(name, code)], { cwd: folder })
    }
  },
)
