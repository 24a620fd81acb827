import { dirname, isAbsolute, resolve } from 'node:path'
import type { z } from 'zod'
import { ConfigError, type ConfigProblem } from '../error.ts'
import type { Config } from './config.ts'
import { LeftOut } from './left-out.ts'
import { resolveConfig } from './resolve.ts'
import { ConfigSource } from './source.ts'
import { spellingHint } from './spelling.ts'
import { type ConfigText, configText } from './text.ts'
import { type Path, valueAt } from './value-path.ts'
import { type ConfigWriters, writerProblems } from './writers.ts'

/** A file with more faults than this is not a config with mistakes but another file. */
const MAX_PROBLEMS = 100

/** Which config file, and how to read it: as the command line's `--config`, `--env` and `--root`. */
export interface ConfigPlace {
  /** Shown in errors, and what relative paths count from. */
  readonly file: string
  /** The overlay to merge over the file. */
  readonly environment: string | undefined
  /** A folder put before every absolute path. */
  readonly root: string | undefined
}

/** Where others may write the file, it is refused. */
export interface ParseConfigOptions extends Partial<ConfigPlace>, ConfigWriters {
  readonly file: string
}

type Place = (path: Path, of?: 'key' | 'value') => { line: number; column: number }

/**
 * Reads a config file.
 *
 * @param bytes the file's content, UTF-8, at most 64 MiB
 * @returns the config, whole and checked
 * @throws ConfigError with every fault at once, each with line, column, what was found and what is allowed
 */
export function parseConfig(bytes: string | Uint8Array, options: ParseConfigOptions): Config {
  const problems = writerProblems(options.file, options)
  const source = ConfigSource.read(bytes)
  if (!(source instanceof ConfigSource)) throw new ConfigError(options.file, [...problems, ...source])

  const merged = overlay(source, options.environment, problems)
  const place: Place = (path, of) => {
    const over = ['environments', options.environment ?? '', ...path]
    return options.environment !== undefined && source.has(over)
      ? source.position(over, of)
      : source.position(path, of)
  }
  const text = checkText(merged, place, problems)
  const config =
    text &&
    resolveConfig(text, {
      file: resolve(options.file),
      environment: options.environment,
      namesServices: namesAny(merged, 'services'),
      path: (path) => absolutePath(path, options),
      problem: (path, message, of) => problems.push({ ...place(path, of), message }),
    })
  if (config === undefined || problems.length > 0) {
    throw new ConfigError(options.file, inOrder(problems).slice(0, MAX_PROBLEMS))
  }
  return config
}

function namesAny(value: unknown, setting: string): boolean {
  const named = valueAt(value, [setting])
  return typeof named === 'object' && named !== null && Object.keys(named).length > 0
}

/**
 * Checks value by value. Values found wrong are left out and the rest is checked again, so that the rules between values
 * see everything that is right, and one run reports everything that is wrong.
 */
function checkText(value: unknown, place: Place, problems: ConfigProblem[]): ConfigText | undefined {
  const leftOut = new LeftOut()
  for (let round = 0; round < 4; round++) {
    const result = configText.safeParse(leftOut.without(value))
    if (result.success) return result.data
    const issues = result.error.issues.map((issue) => ({ ...issue, path: leftOut.originalOf(issue.path) }))
    // What holds a value that was left out may be wrong for no other reason.
    const own = issues.filter(({ code, path }) => code === 'unrecognized_keys' || !leftOut.isIn(path))
    for (const issue of own.slice(0, MAX_PROBLEMS)) {
      const known = new Set(problems.map((problem) => problem.message))
      problems.push(...problemsOf(issue, value, place).filter((problem) => !known.has(problem.message)))
    }
    for (const path of issues.flatMap(faultyPaths)) leftOut.add(path)
  }
  return undefined
}

function problemsOf(issue: z.core.$ZodIssue, value: unknown, place: Place): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const allowed = keysAt(issue.path)
    return issue.keys.slice(0, MAX_PROBLEMS).map((key) => {
      const hint = spellingHint(key, allowed)
      const message = `found the unknown key "${key}"${hint}; allowed: ${allowed.join(', ')}`
      return { ...place([...issue.path, key], 'key'), message }
    })
  }
  const found = valueAt(value, issue.path)
  const allowed = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
  const name = issue.path.map(String).join('.') || 'this file'
  if (issue.code === 'invalid_key') {
    const message = `found the name "${String(issue.path.at(-1))}"; allowed: ${allowed}`
    return [{ ...place(issue.path, 'key'), message }]
  }
  const message =
    found === undefined
      ? `found no ${name}; allowed: ${allowed}`
      : `${name}: found ${show(found)}; allowed: ${allowed}${valueHint(found, issue)}`
  return [{ ...place(issue.path), message }]
}

function valueHint(found: unknown, issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_value' || typeof found !== 'string') return ''
  return spellingHint(found, issue.values.map(String))
}

function faultyPaths(issue: z.core.$ZodIssue): Path[] {
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path]
}

function overlay(source: ConfigSource, environment: string | undefined, problems: ConfigProblem[]): unknown {
  if (environment === undefined) return source.value
  const over = valueAt(source.value, ['environments', environment])
  if (over !== undefined) return merge(source.value, over)
  const environments = valueAt(source.value, ['environments'])
  const names = typeof environments === 'object' && environments !== null ? Object.keys(environments) : []
  const allowed = names.length === 0 ? 'none, since the file has no environments' : names.join(', ')
  const message = `found no environment "${environment}" (--env); allowed: ${allowed}`
  problems.push({ ...source.position(['environments']), message })
  return source.value
}

function merge(base: unknown, over: unknown): unknown {
  if (!isPlainObject(base) || !isPlainObject(over)) return over
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    merged[key] = Object.hasOwn(base, key) ? merge(base[key], value) : value
  }
  return merged
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function absolutePath(path: string, { file, root }: ParseConfigOptions): string {
  if (!isAbsolute(path)) return resolve(dirname(resolve(file)), path)
  return root === undefined ? resolve(path) : resolve(root, `.${path}`)
}

/** The keys that the schema allows at `path`. */
function keysAt(path: Path): string[] {
  let schema: unknown = configText
  for (const key of path) schema = inner(schema, key)
  return Object.keys(shapeOf(schema) ?? {})
}

function inner(schema: unknown, key: PropertyKey): unknown {
  const shape = shapeOf(schema)
  if (shape !== undefined) return shape[String(key)]
  return unwrap(schema)?.valueType
}

/** A union's is what any of its forms may have. */
function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  const definition = unwrap(schema)
  if (definition?.options === undefined) return definition?.shape
  return Object.assign({}, ...definition.options.map(shapeOf))
}

type Definition = {
  shape?: Record<string, unknown>
  valueType?: unknown
  innerType?: unknown
  in?: unknown
  options?: unknown[]
}

function unwrap(schema: unknown): Definition | undefined {
  let definition = (schema as { def?: Definition } | undefined)?.def
  const isWrapper = (one: Definition) => !(one.shape ?? one.valueType ?? one.options)
  while (definition !== undefined && isWrapper(definition)) {
    definition = ((definition.innerType ?? definition.in) as { def?: Definition } | undefined)?.def
  }
  return definition
}

/** Without what a URL says before its host, and without what is called a password; each in one pass, however long it is. */
function show(value: unknown): string {
  const shown = withoutUser(JSON.stringify(value) ?? String(value))
    .replace(/[^/\s@]+@?/g, (run) => (run.endsWith('@') ? run.replace(/:.*/s, ':…@') : run))
    .replace(/(passw\w{0,100}|pwd|secret|token)=[^\s"]*/gi, '$1=…')
  return shown.length > 80 ? `${shown.slice(0, 77)}…` : shown
}

function withoutUser(text: string): string {
  const from = text.indexOf('://')
  const to = text.lastIndexOf('@')
  return from !== -1 && from < to ? `${text.slice(0, from)}://…${text.slice(to)}` : text
}

function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column)
}
