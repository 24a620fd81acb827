import { hash } from 'node:crypto'
import { readableCertificate, type TbsCertificate, type TileLeaf } from '@datapunk/pki'
import type { Config } from '@datapunk/protocol'
import { recordOfLog } from '../scts/submit.ts'
import type { Reader } from '../store/contract.ts'
import { type LostTimesReader, lostTimes } from './lost-times.ts'

/** What a log shows, against what is on record. */
export interface LogFinding {
  /** `unrecorded`: as it is to be expected after a restore, and for people to judge. */
  readonly kind: 'alarm' | 'unrecorded'
  readonly leafIndex?: number
  readonly serial?: string
  readonly message: string
}

export interface CompareOptions {
  readonly store: Pick<Reader, 'certificate' | 'slots'> & LostTimesReader
  readonly config: Pick<Config, 'trustDomain' | 'authority'>
  /** The key of the log, DER. */
  readonly log: Uint8Array
  /** What the log has promised to hold in this place, hex, where that is known. */
  readonly promised?: string | undefined
}

/** What is wrong with an entry of a log: nobody has recorded it, it is another certificate, or for a name that is not ours. */
export function compareEntry(leaf: TileLeaf, options: CompareOptions): LogFinding[] {
  const { store, config, promised } = options
  const { entry, leafIndex } = leaf
  const place = `entry ${leafIndex}`
  const alarm = (message: string) => ({ kind: 'alarm', leafIndex, message }) as const
  if (entry.type !== 'precert_entry')
    return [alarm(`${place} is a certificate that was logged after it was issued`)]
  const certificate = readableCertificate(entry)
  if (certificate === undefined)
    return [alarm(`${place} can’t be read as a certificate: nobody of ours has submitted it`)]
  const { serial } = certificate
  const tbsHash = hash('sha256', entry.tbs)
  const findings: LogFinding[] = []
  const row = store.certificate(serial)
  if (row === undefined) findings.push(notOnRecord(leaf, serial, options))
  else if (row.tbsHash !== tbsHash)
    findings.push(
      alarm(
        `${place} is another certificate ${serial} than the one on record: somebody else signs with the key of the issuing CA; \`mtls compromise --issuing-ca\` shuts them out`,
      ),
    )
  if (promised !== undefined && promised !== tbsHash)
    findings.push(alarm(`${place} is not the certificate for which the log gave its word`))
  const strangers = strangersIn(certificate, config)
  if (strangers.length > 0)
    findings.push(
      alarm(
        `${place}, the certificate ${serial}, is for ${strangers.join(', ')}, which is outside the trust domain`,
      ),
    )
  return findings.map((finding) => ({ ...finding, serial }))
}

function notOnRecord(
  { leafIndex, timestamp }: TileLeaf,
  serial: string,
  options: CompareOptions,
): LogFinding {
  const place = `entry ${leafIndex}, the certificate ${serial}, is logged and not on record`
  return isOfLostTime(timestamp, options)
    ? {
        ...{ kind: 'unrecorded', leafIndex },
        message: `${place}: it was issued after the backup or copy that this inventory goes on from was made, or by somebody else; where you are not sure, \`mtls rotate --issuing-ca\` makes another key`,
      }
    : {
        ...{ kind: 'alarm', leafIndex },
        message: `${place}: somebody else signs with the key of the issuing CA; \`mtls compromise --issuing-ca\` shuts them out`,
      }
}

/** Only a log that has ended was there before a restore: what the one in use shows is of later. */
function isOfLostTime(timestamp: number, { store, log }: Pick<CompareOptions, 'store' | 'log'>): boolean {
  const state = recordOfLog(store, log)?.state
  if (state === undefined || state === 'prepared' || state === 'active') return false
  return lostTimes(store).some(({ from, to }) => from <= timestamp && timestamp <= to)
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
