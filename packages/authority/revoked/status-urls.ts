import type { LeafStatus } from '@datapunk/pki'
import type { Config } from '@datapunk/protocol'
import type { SlotRow } from '../store/rows.ts'
import { leafListUrl, listUrl, urlKeyOf } from './list-url.ts'

/** What a certificate says of where its status is to be learned; nothing, where nothing is served. */
export type StatusUrls = Pick<LeafStatus, 'crlDistributionPoint' | 'caIssuersUrl' | 'ocspUrl'>

type Served = {
  readonly authority: Pick<Config['authority'], 'publicUrl'>
  readonly revocation: Config['revocation']
}

/** Of a leaf with this serial (lowercase hex), by the issuing CA that signs it. */
export function leafStatusUrls(config: Served, issuer: SlotRow, serial: string): StatusUrls {
  const { publicUrl } = config.authority
  if (publicUrl === undefined) return {}
  return {
    crlDistributionPoint: leafListUrl(config, issuer, serial),
    caIssuersUrl: issuerUrl(publicUrl, issuer),
    ocspUrl: `${publicUrl}/ocsp`,
  }
}

/** Of a CA's certificate, by the root that signs it: nobody answers for roots but their lists. */
export function caStatusUrls(config: Served, issuer: SlotRow): StatusUrls {
  const { publicUrl } = config.authority
  if (publicUrl === undefined) return {}
  return { crlDistributionPoint: listUrl(config, issuer, ''), caIssuersUrl: issuerUrl(publicUrl, issuer) }
}

function issuerUrl(publicUrl: string, issuer: SlotRow): string {
  return `${publicUrl}/ca/${urlKeyOf(issuer)}.cer`
}
