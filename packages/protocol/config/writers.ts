import type { ConfigProblem } from '../error.ts'

/** What its reader found of who else may write a config file: he says who becomes a member, and what is run at a renewal. */
export interface ConfigWriters {
  /** The file's `st_mode`. */
  readonly mode?: number | undefined
  /** Its folder, where anyone may put another file in its place. */
  readonly openFolder?: { readonly path: string; readonly mode: number } | undefined
}

export function writerProblems(file: string, { mode = 0, openFolder }: ConfigWriters): ConfigProblem[] {
  const found: string[] = []
  if ((mode & 0o002) !== 0)
    found.push(`found a file that anyone may write (${octal(mode)}); allowed: chmod o-w ${file}`)
  if (openFolder !== undefined) {
    const { path } = openFolder
    found.push(
      `found the folder ${path} (${octal(openFolder.mode)}), where anyone may put another file in its place; allowed: chmod o-w ${path}`,
    )
  }
  return found.map((message) => ({ line: 1, column: 1, message }))
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8)
}
