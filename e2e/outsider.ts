import { accessSync, constants } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/** Debian puts the servers' programs where only root's PATH looks, and PostgreSQL's in a folder per version. */
const servers = [
  '/usr/sbin',
  '/usr/local/sbin',
  ...[18, 17, 16, 15].map((v) => `/usr/lib/postgresql/${v}/bin`),
]

/** Set where the absence of an outsider is a failure: in continuous integration. */
const required = process.env.MTLS_OUTSIDERS === 'required'

/** The path of a program that is not part of this repository, by name or path; undefined where it isn't installed. */
export function findProgram(name: string): string | undefined {
  if (isAbsolute(name)) return isExecutable(name) ? name : undefined
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...servers]
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/**
 * What a test says about a program it needs: `test('…', needs('openssl'), …)`.
 *
 * @returns a reason to skip where the program is missing; none where outsiders are required, so that the test fails
 */
export function needs(...programs: readonly string[]): { skip: string | false } {
  const missing = programs.filter((name) => findProgram(name) === undefined)
  return { skip: missing.length > 0 && !required && `not installed: ${missing.join(', ')}` }
}

/** As `needs`, for tests that act as root. */
export function needsRoot(...programs: readonly string[]): { skip: string | false } {
  if (process.geteuid?.() !== 0 && !required) return { skip: 'needs root' }
  return needs(...programs)
}

/** @throws Error naming the program that has to be installed */
export function program(name: string): string {
  const path = findProgram(name)
  if (path === undefined) throw new Error(`${name} is not installed`)
  return path
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
