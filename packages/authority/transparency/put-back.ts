import { parseCertificate, parseSct, parseSctList } from '@datapunk/pki'
import type { Config } from '@datapunk/protocol'
import { CHECKPOINT_PATH, openCheckpoint } from '@datapunk/tlog'
import type { CertificateLog } from '../scts/certificate-log.ts'
import { recordOfLog } from '../scts/submit.ts'
import type { Reader } from '../store/contract.ts'
import type { CertificateRow, SlotRow } from '../store/rows.ts'

interface Known {
  readonly store: Pick<Reader, 'slots' | 'liveCertificates'>
  readonly config: Pick<Config, 'authority'>
  /** Milliseconds since the epoch. */
  readonly clock: () => number
}

/** What was issued together may lie in the log in another order; more than that is not. */
const LAST_ISSUED = 256

/** A log that holds less than it has shown or promised. */
export class LogPutBack extends Error {
  readonly origin: string

  constructor(origin: string, { size, known }: { readonly size: number; readonly known: number }) {
    super(
      `found ${size} entries in the log ${origin}; allowed: the ${known} or more that it has promised. Its folder was put back, and whatever it signed next would take the place of another. With \`mtls up\` stopped, put the newer folder back, or begin another log: \`mtls compromise --log\` issues every certificate anew`,
    )
    this.origin = origin
  }
}

/**
 * Closes again a log that has less than is known to be in it: nothing may be added to that. One that runs elsewhere is read through
 * what may be behind, so there the place that an SCT names tells it (`believedSct`).
 *
 * @throws LogPutBack
 */
export async function notPutBack(log: CertificateLog, known: Known): Promise<CertificateLog> {
  if (known.config.authority.log !== undefined) return log
  try {
    await check(log, known)
    return log
  } catch (error) {
    await log.close()
    throw error
  }
}

async function check(log: CertificateLog, { store, clock }: Known): Promise<void> {
  const slot = recordOfLog(store, log.spki)
  if (slot === undefined) return
  const known = knownSize(slot, store.liveCertificates(clock()))
  const signed = await log.read(CHECKPOINT_PATH)
  const size = signed === undefined ? 0 : openCheckpoint(signed, log).size
  if (size < known) throw new LogPutBack(log.origin, { size, known })
}

/** What was seen in it, and what it has promised since. */
function knownSize(
  { id, spkiHash, monitored = 0 }: SlotRow,
  certificates: readonly CertificateRow[],
): number {
  const newest = certificates
    .filter(({ log }) => log === id)
    .sort((a, b) => b.intendedAt - a.intendedAt)
    .slice(0, LAST_ISSUED)
  return Math.max(monitored, ...newest.flatMap(({ der }) => (der ? sizesIn(der, spkiHash) : [])))
}

/** How many entries the log has at least, by the SCTs of a certificate. @param log its id, lowercase hex */
function sizesIn(der: Uint8Array, log: string): number[] {
  const { scts } = parseCertificate(der).extensions
  return (scts ? parseSctList(scts.list) : []).flatMap((octets) => {
    const { logId, leafIndex } = parseSct(octets)
    return leafIndex !== undefined && Buffer.from(logId).toString('hex') === log ? [leafIndex + 1] : []
  })
}
