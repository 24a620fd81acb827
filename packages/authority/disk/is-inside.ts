import { isAbsolute, relative } from 'node:path'

/** Whether a path lies in a folder, or is it: whoever has the folder has it too. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith('../') && !isAbsolute(way)
}
