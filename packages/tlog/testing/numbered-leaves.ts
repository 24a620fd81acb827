import { hashLeaf } from '../tree-hash.ts'

/** So many leaf hashes, each of the text of its number from `first` on. */
export function numberedLeaves(count: number, first = 0): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => hashLeaf(Buffer.from(String(first + i))))
}
