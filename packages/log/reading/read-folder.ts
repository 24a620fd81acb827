import { DiskStore } from '../disk-store.ts'
import type { ReadObject } from './read-log.ts'

/** Reads a log whose objects lie as files in a folder; absolute. */
export function readFolder(folder: string): ReadObject {
  const store = new DiskStore(folder)
  return (path) => store.read(path)
}
