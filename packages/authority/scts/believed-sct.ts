import { type PrecertEntry, parseSct, type Sct, type SctFault, verifySct } from '@datapunk/pki'
import { keyIdOf } from '@datapunk/protocol'
import type { CertificateLog } from './certificate-log.ts'

export interface PlacedSct extends Sct {
  readonly leafIndex: number
}

export interface Judging {
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly config: { readonly authority: { readonly clockSkew: number } }
}

interface IssuingLog extends Pick<CertificateLog, 'spki' | 'origin'> {
  /** How many entries are known to be in it. */
  readonly size: number
  /** What it has promised since, where that is not known to be in it yet: of each place, for what. */
  readonly promised: ReadonlyMap<number, string>
  /** What this is to be promised for. */
  readonly promisedFor: string
}

/** By its own word a log has two entries in one place: it was put back. */
export class PlaceTaken extends Error {
  readonly leafIndex: number
  /** As the log has signed it. */
  readonly sct: Uint8Array

  constructor(message: string, { leafIndex, sct }: Pick<PlaceTaken, 'leafIndex' | 'sct'>) {
    super(message)
    this.leafIndex = leafIndex
    this.sct = sct
  }
}

/**
 * What a log has answered with, where peers would believe it in a certificate: they judge it by the same code, and refuse also what
 * does not say where in the log it is.
 *
 * @throws Error which says what was found, what is allowed, and what mends it; PlaceTaken
 */
export function believedSct(
  octets: Uint8Array,
  entry: PrecertEntry,
  { spki, origin, size, promised, promisedFor }: IssuingLog,
  { clock, config: { authority } }: Judging,
): PlacedSct {
  const now = clock()
  const checked = verifySct(octets, {
    ...{ entry, logs: new Map([[keyIdOf(spki), spki]]) },
    latest: now + authority.clockSkew,
  })
  const found = `found an SCT of ${origin} that no peer would believe: `
  if ('fault' in checked && checked.fault !== 'FROM_THE_FUTURE')
    throw new Error(`${found}${faults[checked.fault]}. ${ANOTHER}`)
  const sct = parseSct(octets)
  const { timestamp, leafIndex } = sct
  if ('fault' in checked)
    throw new Error(
      `${found}it is of ${timeText(timestamp)}, and the clock here says ${timeText(now)}; allowed: ${authority.clockSkew / 1000} s ahead, authority.clock_skew. Set the clock right where the log runs. Its time never goes back: wait until ${timeText(timestamp - authority.clockSkew)}, or begin another log, \`mtls rotate --log\``,
    )
  if (leafIndex === undefined)
    throw new Error(
      `${found}it does not say where in the log it is; allowed: one with leaf_index (C2SP static-ct-api). ${ANOTHER}`,
    )
  if (leafIndex < size || (promised.get(leafIndex) ?? promisedFor) !== promisedFor)
    throw new PlaceTaken(
      `${found}it is for entry ${leafIndex}, which another has; allowed: one of its own, ${size} or later. The log was put back: begin another, \`mtls compromise --log\` issues every certificate anew`,
      { leafIndex, sct: octets },
    )
  return { ...sct, leafIndex }
}

/** Of one that stands alone, what would be refused anywhere. */
const faults: Readonly<Record<Exclude<SctFault, 'FROM_THE_FUTURE'>, string>> = {
  LIST_MALFORMED: 'it can’t be read',
  LOG_REPEATED: 'it is a second one',
  LOG_UNKNOWN: 'it is of another log',
  SCT_MALFORMED: 'it can’t be read',
  SIGNATURE_WRONG: 'the log has not signed it for this certificate',
}

const ANOTHER =
  'See what answers at its URL: only `mtls log serve` of this version is to. Or begin another log, `mtls rotate --log`'

/** A log may say any time. */
function timeText(time: number): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? `${time} ms` : date.toISOString()
}
