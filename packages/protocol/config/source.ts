import { isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml'
import type { ConfigProblem } from '../error.ts'
import type { Path } from './value-path.ts'

/**
 * 64 MiB: 100,000 services with every key of the seed's file are 20 MB; whatever is larger is no config file but a
 * mistake or an attack, and is refused before it is read as YAML.
 */
export const MAX_CONFIG_BYTES = 64 * 1024 * 1024

/** As many aliases as anyone writes by hand; the `yaml` package's own default against alias bombs. */
const MAX_ALIASES = 100

/** A config file as YAML, which knows where each of its values stands. */
export class ConfigSource {
  readonly value: unknown
  readonly #contents: Node | null
  readonly #lines: LineCounter

  private constructor(value: unknown, contents: Node | null, lines: LineCounter) {
    this.value = value
    this.#contents = contents
    this.#lines = lines
  }

  /** @returns the source, or what is wrong with it as text or as YAML */
  static read(bytes: string | Uint8Array): ConfigSource | ConfigProblem[] {
    const text = decode(bytes)
    if (typeof text !== 'string') return [text]
    const lines = new LineCounter()
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      // The package's own check is quadratic; `faultyKeys` is linear.
      uniqueKeys: false,
    })
    const at = (offset: number, message: string): ConfigProblem => {
      const { line, col } = lines.linePos(offset)
      return { line: Math.max(1, line), column: Math.max(1, col), message }
    }
    const problems = [
      ...[...document.errors, ...document.warnings].map((error) =>
        at(error.pos[0], `not valid YAML: ${error.message}`),
      ),
      ...faultyKeys(document.contents).map(([offset, message]) => at(offset, message)),
    ]
    if (problems.length > 0) return problems
    try {
      return new ConfigSource(document.toJS({ maxAliasCount: MAX_ALIASES }), document.contents, lines)
    } catch (error) {
      return [at(0, `not usable YAML: ${error instanceof Error ? error.message : String(error)}`)]
    }
  }

  /** Where the value at `path` stands, or, with `of: 'key'`, its key; the nearest parent that is there, else line 1. */
  position(path: Path, of: 'key' | 'value' = 'value'): { line: number; column: number } {
    let node: unknown = this.#contents
    let offset = startOf(node)
    for (const [index, key] of path.entries()) {
      const last = index === path.length - 1
      if (isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))
        if (pair === undefined) break
        node = pair.value
        offset = (last && of === 'key' ? undefined : startOf(node)) ?? startOf(pair.key) ?? offset
      } else if (isSeq(node)) {
        node = node.items[Number(key)]
        offset = startOf(node) ?? offset
      } else break
    }
    const { line, col } = this.#lines.linePos(offset ?? 0)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }

  /** Whether the file says anything at `path`. */
  has(path: Path): boolean {
    let value: unknown = this.value
    for (const key of path) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false
      value = (value as Record<PropertyKey, unknown>)[key]
    }
    return true
  }
}

function decode(bytes: string | Uint8Array): string | ConfigProblem {
  const size = typeof bytes === 'string' ? bytes.length : bytes.byteLength
  if (size > MAX_CONFIG_BYTES) {
    return { line: 1, column: 1, message: `found ${size} bytes; allowed: at most ${MAX_CONFIG_BYTES}` }
  }
  if (typeof bytes === 'string') return bytes
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { line: 1, column: 1, message: 'found bytes that are not UTF-8; allowed: UTF-8 text' }
  }
}

function faultyKeys(contents: Node | null): [offset: number, message: string][] {
  const found: [number, string][] = []
  visit(contents, {
    Map(_, map) {
      const names = map.items.map(({ key }) => (isScalar(key) ? String(key.value) : undefined))
      // Most maps are small, and a set for each of a hundred thousand is slow.
      const seen = names.length > 16 ? new Set<string>() : undefined
      for (const [index, name] of names.entries()) {
        if (name === undefined) continue
        // What checks the values passes over it without a word.
        if (name === '__proto__')
          found.push([startOf(map.items[index]) ?? 0, 'found the name "__proto__"; allowed: any other'])
        const repeated = seen === undefined ? names.indexOf(name) < index : seen.has(name)
        if (repeated) found.push([startOf(map.items[index]) ?? 0, `found "${name}" twice; allowed: once`])
        seen?.add(name)
      }
    },
  })
  return found
}

function startOf(node: unknown): number | undefined {
  if (isPair(node)) return startOf(node.key)
  return (node as Node | null | undefined)?.range?.[0]
}
