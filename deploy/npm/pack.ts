// Packs what others install, as JavaScript with its types, into `dist`: the library of a service, and the command. Node takes types
// away from what lies in this repository, and never from what npm has installed.
//
// 1. What the manifests name is compiled, with all that it imports: no test, and nothing that only tests use.
// 2. What no compiler reads is copied: the entry of the command, and the page, whose types are taken away as it is served.
// 3. The manifests name what was compiled.
// 4. Into each of the two goes all that it depends on, ours and others', in the versions that the lock file names.
// 5. npm packs both.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

type Names = Readonly<Record<string, string>>

interface Package {
  /** Within the folder of all packages, and of all compiled ones. */
  readonly folder: string
  readonly manifest: {
    readonly exports?: Names
    readonly imports?: Names
    readonly dependencies?: Names
  }
}

/** As `mtls` and `join` demand it. */
const engines = { node: '^24.17.0 || >=26.3.1' }
/** What is installed by itself. */
const installed = ['@datapunk/mesh', '@datapunk/cli']

const repository = resolve(import.meta.dirname, '../..')
const sources = join(repository, 'packages')
const dist = join(repository, 'dist')
const compiled = join(dist, 'packages')
const packages = new Map<string, Package>()
for (const folder of readdirSync(sources)) {
  const manifest = JSON.parse(readFileSync(join(sources, folder, 'package.json'), 'utf8'))
  packages.set(manifest.name, { folder, manifest })
}

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist)
compile()
for (const { folder, manifest } of packages.values()) {
  copyRest(folder)
  writeManifest(join(compiled, folder), manifest)
}
const assembled = installed.map(assemble)
run('npm', ['pack', '--silent', '--pack-destination', dist, ...assembled])

function compile(): void {
  const entries = [...packages].flatMap(([name, { folder, manifest }]) =>
    Object.entries({ ...manifest.exports, ...manifest.imports }).map(
      ([entry, file]) => [join(name, entry), join(sources, folder, file)] as const,
    ),
  )
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    rootDir: sources,
    outDir: compiled,
    // What is found in node_modules, be it a link, is read and never written.
    paths: Object.fromEntries(entries.map(([entry, file]) => [entry, [file]])),
  }
  const project = {
    extends: '../tsconfig.base.json',
    compilerOptions,
    files: entries.map(([, file]) => file),
  }
  writeFileSync(join(dist, 'tsconfig.json'), JSON.stringify(project))
  run('tsc', ['--project', dist])
}

function copyRest(folder: string): void {
  const isShipped = (path: string) => !/\.test\.ts$|tsconfig.*\.json$/.test(path)
  for (const name of ['bin', 'page']) {
    const source = join(sources, folder, name)
    if (!existsSync(source)) continue
    cpSync(source, join(compiled, folder, name), { recursive: true, filter: isShipped })
  }
  cpSync(join(repository, 'LICENSE'), join(compiled, folder, 'LICENSE'))
}

/** @returns the folder of a package as it is packed */
function assemble(name: string): string {
  const { folder, manifest } = packages.get(name)!
  const target = join(dist, folder)
  cpSync(join(compiled, folder), target, { recursive: true })
  for (const path of dependenciesOf(name)) {
    const ours = packages.get(relative('node_modules', path))
    const source = ours ? join(compiled, ours.folder) : join(repository, path)
    cpSync(source, join(target, path), { recursive: true })
  }
  writeManifest(target, { ...manifest, bundleDependencies: Object.keys(manifest.dependencies ?? {}) })
  return target
}

/** Where a package finds what it depends on, and that in turn, as in `node_modules/yaml`. */
function dependenciesOf(name: string): string[] {
  const list = run('npm', ['ls', '--workspace', name, '--all', '--omit=dev', '--parseable'])
  const [, , ...paths] = list.trim().split('\n')
  return paths.map((path) => relative(repository, path))
}

function writeManifest(folder: string, manifest: object): void {
  const text = JSON.stringify({ ...manifest, private: undefined, engines }, undefined, 2)
  writeFileSync(join(folder, 'package.json'), `${text.replaceAll('.ts"', '.js"')}\n`)
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, {
    cwd: repository,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
