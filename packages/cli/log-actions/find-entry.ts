import { existsSync } from 'node:fs'
import { parseCertificate, type TileLeaf } from '@datapunk/pki'
import { certificateIn } from '../certificate/certificate-in.ts'
import { CliError } from '../cli-error.ts'
import { entryAt, entryOfSerial } from '../logs/entries.ts'
import { type LogSource, type OpenSource, opened, openedIfAny } from '../logs/log-source.ts'
import { type Promised, promisedFor, prove } from '../logs/logged-certificate.ts'
import { serialIn } from '../text/serial-text.ts'
import type { Asked } from './asked.ts'

/** An entry, and the log that has it. */
export interface Found {
  readonly source: OpenSource
  readonly entry: TileLeaf
}

/** By its place in the newest log, its serial, or the certificate. */
export async function findEntry(asked: Asked): Promise<Found> {
  const { sources, subject } = asked
  if (/^\d{1,13}$/.test(subject)) {
    const source = await opened(sources.at(-1)!)
    const { size } = source.checkpoint
    if (Number(subject) < size) return { source, entry: await entryAt(source, Number(subject)) }
    throw nothingInLog(`entry ${subject}`, `0 to ${size - 1}`)
  }
  if (existsSync(subject)) {
    const certificate = parseCertificate(certificateIn(subject))
    const promised = promisedFor(certificate, asked.trust, asked.context.world.clock())
    return promised === undefined
      ? bySerial(sources, certificate.serial)
      : prove(promised, holderOf(promised, sources))
  }
  const serial = serialIn(subject)
  if (serial !== undefined) return bySerial(sources, serial)
  throw new CliError(
    'USAGE',
    `found ${JSON.stringify(subject)}; allowed: the index of an entry, a serial in hex, or a file with a certificate`,
  )
}

async function bySerial(sources: readonly LogSource[], serial: string): Promise<Found> {
  for (const each of sources.toReversed()) {
    const source = await openedIfAny(each)
    if (source === undefined) continue
    const entry = await entryOfSerial(source, serial)
    if (entry !== undefined) return { source, entry }
  }
  throw nothingInLog(`certificate with serial ${serial}`, 'one that was logged: `mtls log list` shows them')
}

export function nothingInLog(what: string, allowed: string): CliError {
  return new CliError('NOTHING_TO_SHOW', `found no ${what} in the log; allowed: ${allowed}`)
}

/** The log that has promised it. @throws CliError `NOTHING_TO_SHOW` */
export function holderOf({ sct }: Promised, sources: readonly LogSource[]): LogSource {
  const source = sources.find(({ id }) => id === sct.log)
  if (source !== undefined) return source
  throw new CliError(
    'NOTHING_TO_SHOW',
    `found none of the objects of the log ${sct.log}, which has promised this certificate; allowed: --from with its URL or a copy`,
  )
}
