import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Whose a file or folder is, for people, as in `lake (uid 1001)`: of what can't be seen, the folder that hides it. */
export function whose(path: string, passwd = '/etc/passwd'): string {
  const uid = ownerOf(path)
  const name = nameOf(uid, passwd)
  return name === undefined ? `uid ${uid}` : `${name} (uid ${uid})`
}

function ownerOf(path: string): number {
  try {
    return statSync(path).uid
  } catch (error) {
    const above = dirname(path)
    if (above === path) throw error
    return ownerOf(above)
  }
}

/** Undefined where it is in a directory service, or can't be read. */
function nameOf(uid: number, passwd: string): string | undefined {
  try {
    const lines = readFileSync(passwd, 'utf8').split('\n')
    return lines.map((line) => line.split(':')).find(([, , id]) => id === String(uid))?.[0]
  } catch {
    return undefined
  }
}
