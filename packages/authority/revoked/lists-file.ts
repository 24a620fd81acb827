import type { Reader } from '../store/contract.ts'
import type { ListRow } from '../store/rows.ts'
import { WHOLE } from './list-url.ts'
import { lastLists, listedCas } from './listed-cas.ts'

const begin = '-----BEGIN X509 CRL-----\n'
const end = '-----END X509 CRL-----\n'
const LINE = 64

interface ListsFile {
  /** Which lists are in it. */
  readonly names: string
  readonly bytes: Uint8Array
}

const kept = new WeakMap<object, ListsFile>()

/** `paths.crl`: one full list of every CA, which is what OpenSSL wants of a file. The same bytes until one of them is another. */
export function listsFile(store: Reader): Uint8Array {
  const listed = [...listedCas(store).flatMap(({ list }) => list ?? []), ...lastLists(store)]
  const names = listed.map(({ slot, number }) => `${slot} ${number}`).join()
  const known = kept.get(store)
  if (known?.names === names) return known.bytes
  const bytes = Buffer.concat(listed.map(({ slot }) => pemOf(store.list(slot, WHOLE)!)))
  kept.set(store, { names, bytes })
  return bytes
}

/**
 * What `encodePem` gives, without a string for each of a million lines: the base64 is put at the end, and its lines are moved
 * to where they belong, each before what is not moved yet.
 */
function pemOf({ der }: Pick<ListRow, 'der'>): Buffer {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64')
  const lines = Math.ceil(base64.length / LINE)
  const pem = Buffer.allocUnsafe(begin.length + base64.length + lines + end.length)
  const text = pem.length - base64.length
  pem.write(begin, 'latin1')
  pem.write(base64, text, 'latin1')
  let at = begin.length
  for (let line = text; line < pem.length; line += LINE) {
    const length = Math.min(LINE, pem.length - line)
    pem.copyWithin(at, line, line + length)
    at += length
    pem[at++] = 0x0a
  }
  pem.write(end, at, 'latin1')
  return pem
}
