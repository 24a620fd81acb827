import { hash } from 'node:crypto'
import { readableCertificate, type TbsCertificate, type TileLeaf } from '@datapunk/pki'
import type { Config } from '@datapunk/protocol'
import type { Reader } from '../store/contract.ts'

/** What a log shows, against what is on record. */
export interface LogFinding {
  readonly leafIndex?: number
  readonly serial?: string
  readonly message: string
}

export interface CompareOptions {
  readonly store: Pick<Reader, 'certificate'>
  readonly config: Pick<Config, 'trustDomain' | 'authority'>
  /** What the log has promised to hold in this place, hex, where that is known. */
  readonly promised?: string | undefined
}

/** What is wrong with an entry of a log: nobody has recorded it, it is another certificate, or for a name that is not ours. */
export function compareEntry(
  { entry, leafIndex }: TileLeaf,
  { store, config, promised }: CompareOptions,
): LogFinding[] {
  const place = `entry ${leafIndex}`
  if (entry.type !== 'precert_entry')
    return [{ leafIndex, message: `${place} is a certificate that was logged after it was issued` }]
  const certificate = readableCertificate(entry)
  if (certificate === undefined)
    return [
      { leafIndex, message: `${place} can’t be read as a certificate: nobody of ours has submitted it` },
    ]
  const { serial } = certificate
  const tbsHash = hash('sha256', entry.tbs)
  const messages: string[] = []
  const row = store.certificate(serial)
  if (row === undefined)
    messages.push(
      `${place}, the certificate ${serial}, is logged and not on record: somebody else signs with the key of the issuing CA; \`mtls compromise --issuing-ca\` shuts them out`,
    )
  else if (row.tbsHash !== tbsHash)
    messages.push(
      `${place} is another certificate ${serial} than the one on record: somebody else signs with the key of the issuing CA; \`mtls compromise --issuing-ca\` shuts them out`,
    )
  if (promised !== undefined && promised !== tbsHash)
    messages.push(`${place} is not the certificate for which the log gave its word`)
  const strangers = strangersIn(certificate, config)
  if (strangers.length > 0)
    messages.push(
      `${place}, the certificate ${serial}, is for ${strangers.join(', ')}, which is outside the trust domain`,
    )
  return messages.map((message) => ({ leafIndex, serial, message }))
}

/** DNS names and SPIFFE IDs that no member can have. */
function strangersIn(
  { extensions }: TbsCertificate,
  { trustDomain, authority }: CompareOptions['config'],
): string[] {
  const { dnsNames = [], uris = [] } = extensions.subjectAltName ?? {}
  const domains = [trustDomain, ...authority.extraDomains]
  const isOurs = (name: string) => domains.some((domain) => name === domain || name.endsWith(`.${domain}`))
  return [
    ...dnsNames.filter((name) => !isOurs(name)),
    ...uris.filter((uri) => !uri.startsWith(`spiffe://${trustDomain}/`)),
  ]
}
