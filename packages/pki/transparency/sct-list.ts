import { readTls } from './tls-reader.ts'
import { encodeTls } from './tls-writer.ts'
import { transparencyBudget } from './transparency-budget.ts'

/**
 * The value of the extension that carries SCTs, as `writeSctList` takes it.
 *
 * @param scts 1 to 16 of them, each as `encodeSct` makes it
 * @throws RangeError for none or for more
 */
export function encodeSctList(scts: readonly Uint8Array[]): Uint8Array {
  const { scts: most } = transparencyBudget
  if (scts.length < 1 || scts.length > most)
    throw new RangeError(`${scts.length} SCTs were given; 1 to ${most} fit`)
  const list = encodeTls((tls) => {
    for (const sct of scts) tls.vector(2, sct)
  })
  return encodeTls((tls) => tls.vector(2, list))
}

/**
 * ```
 * opaque SerializedSCT<1..2^16-1>;
 * struct { SerializedSCT sct_list<1..2^16-1>; } SignedCertificateTimestampList;
 * ```
 * RFC 6962 §3.3. Each SCT has a length of its own, so that those of later versions can be skipped; so they are not
 * parsed here.
 *
 * @returns 1 to 16 SCTs, each for `parseSct`
 * @throws PkiError `TRANSPARENCY_MALFORMED`
 */
export function parseSctList(octets: Uint8Array): readonly Uint8Array[] {
  const list = readTls(octets, 'list of SCTs', (tls) => tls.vector(2, { least: 1 }), 2 + 0xffff)
  return readTls(list, 'list of SCTs', (tls) =>
    tls.each((each) => each.vector(2, { least: 1 }), transparencyBudget.scts),
  )
}
