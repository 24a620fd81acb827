import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  diagram,
  filesInCircles,
  foldersInCircles,
  importsBetweenParts,
  importsOfFolders,
  inCircles,
  mayImport,
} from './import-table.ts'

test('imports keep to the table', () => {
  const forbidden = importsBetweenParts().filter(({ from, to }) => !mayImport[from]?.includes(to))
  assert.deepEqual(forbidden, [])
})

test('the reader of imports sees them: every arrow the design lives by is there', () => {
  const arrows = new Set(importsBetweenParts().map(({ from, to }) => `${from} → ${to}`))
  for (const arrow of ['packages/protocol → packages/pki', 'packages/authority → packages/protocol']) {
    assert.ok(arrows.has(arrow), arrow)
  }
})

test('imports lead one way: no files import each other in a circle', () => {
  assert.deepEqual(filesInCircles(), [])
})

for (const part of Object.keys(mayImport)) {
  test(`imports lead one way in ${part}: no folders import each other in a circle`, () => {
    assert.deepEqual(foldersInCircles(part), [])
  })
}

test('the finder of circles finds them', () => {
  const graphOf = (...arrows: string[]) => {
    const names = new Set(arrows.join('').split('>').join(''))
    const to = (from: string) => new Set(arrows.flatMap((arrow) => (arrow[0] === from ? arrow[2]! : [])))
    return new Map([...names].map((name) => [name, to(name)]))
  }
  assert.deepEqual(inCircles(graphOf('a>b', 'b>c', 'a>c')), [])
  assert.deepEqual(inCircles(graphOf('a>b', 'b>c', 'c>b', 'c>d')), ['b', 'c'])
  assert.deepEqual(inCircles(graphOf('a>a')), ['a'])
})

test('architecture.md shows the imports as they are', () => {
  const page = readFileSync(new URL('architecture.md', import.meta.url), 'utf8')
  assert.ok(page.includes(diagram()), `docs/architecture.md needs this diagram:\n${diagram()}`)
})

/** In the order of the page. */
function foldersTold(page: string, part: string): string[] {
  const [, table = ''] = page.split(new RegExp(`^\\| \`packages/${part}\` .*\n.*\n`, 'm'))
  const [rows = ''] = table.split('\n\n')
  return rows.split('\n').flatMap((row) => row.split('|')[1]!.match(/[a-z][a-z-]*/g) ?? [])
}

/** They hold no part of the program. */
const ASIDE = new Set(['bin', 'node_modules', 'testing', 'transcripts'])

for (const part of ['authority', 'mesh', 'cli']) {
  test(`architecture.md tells of every folder of packages/${part}, and of no other`, () => {
    const page = readFileSync(new URL('architecture.md', import.meta.url), 'utf8')
    const told = foldersTold(page, part)
    const there = readdirSync(new URL(`../packages/${part}`, import.meta.url), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !ASIDE.has(entry.name))
      .map(({ name }) => name)
    assert.deepEqual(told.toSorted(), there.toSorted())
  })

  test(`architecture.md has the folders of packages/${part} in the order of their imports`, () => {
    const page = readFileSync(new URL('architecture.md', import.meta.url), 'utf8')
    const told = foldersTold(page, part)
    const upwards = [...importsOfFolders(`packages/${part}`)].flatMap(([from, to]) =>
      told
        .slice(0, Math.max(0, told.indexOf(from)))
        .filter((above) => to.has(above))
        .map((above) => `${from} → ${above}`),
    )
    assert.deepEqual(upwards, [])
  })
}

test('every path of a package that a page names is there', () => {
  for (const page of readdirSync(import.meta.dirname).filter((name) => name.endsWith('.md'))) {
    const text = readFileSync(new URL(page, import.meta.url), 'utf8')
    for (const [path] of text.matchAll(/(?<=`)packages\/[\w./-]+(?=`)/g))
      assert.ok(existsSync(new URL(`../${path}`, import.meta.url)), `${page} names ${path}`)
  }
})
