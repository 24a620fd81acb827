import { readTls, type TlsReader } from './tls-reader.ts'
import { encodeTls } from './tls-writer.ts'

/** `enum { leaf_index(0), (255) } ExtensionType`. */
const leafIndexType = 0
/** `uint8 uint40[5]; uint40 LeafIndex`. */
const leafIndexOctets = 5
/** There are no more types than that, and none may appear twice. */
const everyType = 256

/**
 * `CtExtensions` of a static log: where in the log the entry lies, and nothing else. 8 octets.
 *
 * @param leafIndex from 0 to 2^40-1
 * @throws RangeError for another number
 */
export function leafIndexExtension(leafIndex: number): Uint8Array {
  return encodeTls((tls) => {
    tls.number(leafIndexType, 1)
    tls.vector(
      2,
      encodeTls((data) => data.number(leafIndex, leafIndexOctets)),
    )
  })
}

/**
 * ```
 * struct { ExtensionType extension_type; opaque extension_data<0..2^16-1>; } Extension;
 * Extension CtExtensions<0..2^16-1>;
 * ```
 * C2SP static-ct-api, "SCT Extension": in any order, none twice.
 *
 * @returns the index of the entry; undefined where there is none, as logs of RFC 6962 alone write it
 * @throws PkiError `TRANSPARENCY_MALFORMED`
 */
export function leafIndexOf(extensions: Uint8Array): number | undefined {
  const byType = new Map<number, Uint8Array>()
  readTls(extensions, 'list of CT extensions', (tls) =>
    tls.each((each) => readExtension(each, byType), everyType),
  )
  const data = byType.get(leafIndexType)
  return data && readTls(data, 'leaf index', (tls) => tls.number(leafIndexOctets))
}

function readExtension(tls: TlsReader, byType: Map<number, Uint8Array>): void {
  const type = tls.number(1)
  if (byType.has(type)) tls.fail(`extension ${type} appears twice`)
  byType.set(type, tls.vector(2))
}
