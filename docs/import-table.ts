import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'

const repository = resolve(import.meta.dirname, '..')

/**
 * Who may import whom. There is one reason only to make a package: a different key or a different installer; the table
 * keeps the keys apart. Never: mesh → authority (they speak protocol), authority → log (it is handed a way to
 * submit), anything → cli.
 */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  'packages/pki': [],
  'packages/tlog': [],
  'packages/protocol': ['packages/pki', 'packages/tlog'],
  'packages/authority': ['packages/pki', 'packages/tlog', 'packages/protocol'],
  'packages/log': ['packages/pki', 'packages/tlog', 'packages/protocol'],
  'packages/mesh': ['packages/pki', 'packages/tlog', 'packages/protocol'],
  'packages/console': ['packages/tlog', 'packages/protocol'],
  'packages/cli': [
    ...['packages/pki', 'packages/tlog', 'packages/protocol'],
    ...['packages/authority', 'packages/log', 'packages/mesh', 'packages/console'],
  ],
  'examples/datapunk': ['packages/mesh'],
  testkit: ['packages/pki', 'packages/tlog', 'packages/protocol'],
}

/** What each package is, as the diagram says it. */
const roles: Readonly<Record<string, string>> = {
  'packages/pki': 'bytes ↔ meaning; pure',
  'packages/tlog': 'a Merkle log; pure',
  'packages/protocol': 'what is said between the parts; pure',
  'packages/authority': 'holds the CA and bundle keys',
  'packages/log': 'holds the log key',
  'packages/mesh': 'what a service imports; holds its leaf key',
  'packages/console': 'the web page, and who serves it; holds no key',
  'packages/cli': 'mtls; hands clock and randomness to the others',
  'examples/datapunk': 'lake, stream, nexus',
  testkit: 'fakes and faults for tests',
}

export interface Import {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** Every import from one part of the repository into another, tests left out: they may use the testkit. */
export function importsBetweenParts(): Import[] {
  const names = packageNames()
  const found: Import[] = []
  for (const from of Object.keys(mayImport)) {
    for (const file of sourceFiles(join(repository, from))) {
      for (const specifier of specifiersIn(readFileSync(file, 'utf8'))) {
        const to = specifier.startsWith('.')
          ? partOf(resolve(dirname(file), specifier))
          : names.get(specifier.split('/').slice(0, 2).join('/'))
        if (to !== undefined && to !== from) found.push({ file: relative(repository, file), from, to })
      }
    }
  }
  return found
}

/** Files, tests left out, that import each other in a circle, or lie between two circles; types count too. */
export function filesInCircles(): string[] {
  const all = Object.keys(mayImport).flatMap((part) => [...importsWithin(part)])
  return inCircles(new Map(all)).map((file) => relative(repository, file))
}

/** The same of what lies in a part: its folders, each with all that is in it, and the files beside them. */
export function foldersInCircles(part: string): string[] {
  return inCircles(importsOfFolders(part))
}

/** What in a part each folder imports, and each file beside the folders: folders and files likewise, without itself. */
export function importsOfFolders(part: string): Map<string, Set<string>> {
  const folderOf = (file: string) => relative(join(repository, part), file).split(sep)[0]!
  const imports = new Map<string, Set<string>>()
  for (const [file, imported] of importsWithin(part)) {
    const from = folderOf(file)
    const to = [...imported].map(folderOf).filter((folder) => folder !== from)
    imports.set(from, new Set([...(imports.get(from) ?? []), ...to]))
  }
  return imports
}

/** The files of a part, each with those that it imports by their path. */
function* importsWithin(part: string): Iterable<[string, ReadonlySet<string>]> {
  for (const file of sourceFiles(join(repository, part))) {
    const own = specifiersIn(readFileSync(file, 'utf8')).filter((specifier) => specifier.startsWith('.'))
    yield [file, new Set(own.map((specifier) => resolve(dirname(file), specifier)))]
  }
}

/** What is left of a graph when whoever leads nowhere, or is led to by nobody, is taken out again and again. */
export function inCircles(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  let left = [...graph.keys()]
  for (;;) {
    const targets = new Set(left.flatMap((one) => [...(graph.get(one) ?? [])]))
    const there = new Set(left)
    const next = left.filter((one) => targets.has(one) && graph.get(one)?.intersection(there).size !== 0)
    if (next.length === left.length) return left
    left = next
  }
}

/** The imports as they are, drawn as Mermaid. */
export function diagram(): string {
  const arrows = new Set(importsBetweenParts().map(({ from, to }) => `  ${idOf(from)} --> ${idOf(to)}`))
  const nodes = Object.entries(roles).map(([part, role]) => `  ${idOf(part)}["${part}<br/>${role}"]`)
  return ['```mermaid', 'flowchart TD', ...nodes, ...[...arrows].sort(), '```'].join('\n')
}

function packageNames(): Map<string, string> {
  const parts = Object.keys(mayImport)
  return new Map(
    parts.map((part) => [
      JSON.parse(readFileSync(join(repository, part, 'package.json'), 'utf8')).name,
      part,
    ]),
  )
}

function* sourceFiles(folder: string): Iterable<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !['node_modules', 'testing'].includes(entry.name)) yield* sourceFiles(path)
    else if (/\.(ts|js)$/.test(entry.name) && !entry.name.endsWith('.test.ts')) yield path
  }
}

function specifiersIn(source: string): string[] {
  return [...source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"\n]+)['"]/g)].flatMap(
    (match) => match[1] ?? [],
  )
}

function partOf(path: string): string | undefined {
  return Object.keys(mayImport).find((part) => path.startsWith(`${join(repository, part)}/`)) ?? path
}

function idOf(part: string): string {
  return part.split('/').at(-1) as string
}
