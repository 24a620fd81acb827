import { readFileSync } from 'node:fs'

/** Connections that a proxy should have room for. */
export const WANTED_CONNECTIONS = 10_000

/** Files that are open besides: the program's own, the mesh's documents, those being read. */
const BESIDES = 100

/** Files that a process needs for so many connections: each has two halves. */
export function filesFor(connections: number): number {
  return 2 * connections + BESIDES
}

/** How many connections the limit of open files leaves room for; undefined where it can't be told, as outside Linux. */
export function roomForConnections(): number | undefined {
  const limit = fileLimit()
  return limit === undefined ? undefined : Math.max(1, Math.floor((limit - BESIDES) / 2))
}

/** Of this process. Node has raised it to the hard limit by the time that it can be asked. */
export function fileLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}
