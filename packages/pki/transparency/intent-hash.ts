import { type TbsCertificate, tbsHash } from '../certificate.ts'
import { withoutPoison, withoutSctList } from './tbs-extensions.ts'

/**
 * By what an intent to sign is recorded: `tbsHash` of what a precertificate and its final certificate have in common,
 * which is all but poison and SCTs. Of a certificate that has neither it is the hash of its signed part.
 *
 * @throws PkiError `CERTIFICATE_MALFORMED` when it has no other extension
 */
export function intentHash({ tbs, extensions }: TbsCertificate): Uint8Array {
  const unpoisoned = extensions.poison === undefined ? tbs : withoutPoison(tbs)
  return tbsHash(extensions.scts === undefined ? unpoisoned : withoutSctList(unpoisoned))
}
