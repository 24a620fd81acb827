import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Coding, encoded } from './coding.ts'

/** A file of the page, as it goes to a browser. */
export interface PageFile {
  /** The page itself, which names the others. */
  readonly isPage: boolean
  readonly type: string
  readonly content: Readonly<Record<Coding, Uint8Array>>
}

/** What the page takes from packages, and under which path a browser finds it. */
const packages = [
  { specifier: 'lit-html', path: '/lit-html/lit-html.js' },
  { specifier: 'lit-html/directives/guard.js', path: '/lit-html/directives/guard.js' },
  { specifier: 'lit-html/directives/repeat.js', path: '/lit-html/directives/repeat.js' },
  { specifier: 'lit-html/directives/ref.js', path: '/lit-html/directives/ref.js' },
  { specifier: 'lit-html/directives/live.js', path: '/lit-html/directives/live.js' },
  { specifier: '@datapunk/tlog/proof-steps', path: '/tlog/proof-steps.ts' },
] as const

/** What those import by themselves. */
const behind = [
  '/lit-html/directive.js',
  '/lit-html/directive-helpers.js',
  '/lit-html/async-directive.js',
] as const

/** What a browser asks for by itself. */
const paths: Readonly<Record<string, string>> = { 'index.html': '/', 'icon.svg': '/icon.svg' }

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  js: 'text/javascript; charset=utf-8',
  ts: 'text/javascript; charset=utf-8',
}

/**
 * Every file of the page by its path. Nothing else is ever served, so that no path of a request touches the disk. The page is
 * TypeScript as the rest of us is: Node takes the types away, and a browser runs what is left.
 */
export function pageFiles(): ReadonlyMap<string, PageFile> {
  const folder = join(import.meta.dirname, '..', 'page')
  const files = new Map<string, PageFile>()
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(html|css|svg|ts)$/.test(name) || name.endsWith('.test.ts')) continue
    files.set(paths[name] ?? `/page/${name}`, pageFile(join(folder, name)))
  }
  const lit = dirname(fileURLToPath(import.meta.resolve('lit-html')))
  for (const { specifier, path } of packages) {
    files.set(path, pageFile(fileURLToPath(import.meta.resolve(specifier))))
  }
  for (const path of behind) files.set(path, pageFile(join(lit, path.slice('/lit-html/'.length))))
  return files
}

function pageFile(file: string): PageFile {
  const extension = file.slice(file.lastIndexOf('.') + 1)
  const source = readFileSync(file, 'utf8')
  const content = Buffer.from(withoutComments(extension === 'ts' ? scriptOf(source) : source))
  const type = types[extension]
  if (type === undefined) throw new TypeError(`${file} is of no type that a page has`)
  const as = (coding: Coding) => encoded(content, coding)
  return {
    isPage: extension === 'html',
    type,
    content: { br: as('br'), gzip: as('gzip'), identity: content },
  }
}

/** Those that have lines of their own: a sixth of what would be sent. */
function withoutComments(source: string): string {
  return source.replace(/^[ \t]*(\/\*[\s\S]*?\*\/|\/\/.*)\n/gm, '')
}

/** A browser knows paths, and no packages. */
function scriptOf(source: string): string {
  return stripTypeScriptTypes(source).replace(/(\bfrom\s*)'([^'.][^']*)'/g, (_, from: string, specifier) => {
    const found = packages.find((each) => each.specifier === specifier)
    if (found === undefined) throw new TypeError(`the page imports ${specifier}, which it can't have`)
    return `${from}'${found.path}'`
  })
}
