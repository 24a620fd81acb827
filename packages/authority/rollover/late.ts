import { compareDocumentNumbers, type DocumentNumber } from '@datapunk/protocol'

/** A live peer, as far as a roll-over asks. */
export interface Witness {
  readonly instance: string
  /** What it has said it enforces; undefined before it has said anything. */
  readonly trustStatement: DocumentNumber | undefined
  readonly bundle: DocumentNumber | undefined
  /** Its open connections by the slot that has signed the certificate at the other end. */
  readonly connections: ReadonlyMap<string, number>
}

/** What is known of those for whom a roll-over waits. */
export interface Witnesses {
  /** Live peers of members. */
  readonly live: readonly Witness[]
  /** `complete`: who is live has come. `coming`: the authority was just started. `unreachable`: peers can't reach it. */
  readonly state: 'complete' | 'coming' | 'unreachable'
  /** Instances of members that have ever acknowledged: what they said last, and when. */
  readonly known: readonly {
    readonly instance: string
    readonly trustStatement: DocumentNumber
    readonly at: number
  }[]
  /** Instances that read files, and have not been handed what lies there now. */
  readonly undelivered: readonly string[]
}

/** Somebody whom a roll-over waits for, and why. */
export interface Late {
  readonly instance: string
  readonly reason: string
}

/**
 * Who does not know yet what this trust statement says, and would refuse what is made under it.
 *
 * @param expired everyone who has not acknowledged by now has no valid bundle any more, and refuses everything itself
 * @param memory how long ago somebody may have acknowledged and still have a valid bundle, milliseconds
 */
export function lateForTrust(
  witnesses: Witnesses,
  statement: DocumentNumber,
  { now, expired, memory, leftOut }: Waiting,
): readonly Late[] {
  const behind = (found: DocumentNumber | undefined) =>
    found === undefined || compareDocumentNumbers(found, statement) < 0
  const late: Late[] = []
  if (!expired) {
    const live = new Set(witnesses.live.map(({ instance }) => instance))
    for (const { instance, trustStatement } of witnesses.live) {
      if (behind(trustStatement)) late.push({ instance, reason: 'has not acknowledged it' })
    }
    if (witnesses.state !== 'complete') {
      const why = witnesses.state === 'coming' ? 'has not come back yet' : 'can’t be asked: run `mtls up`'
      for (const { instance, trustStatement, at } of witnesses.known) {
        if (!live.has(instance) && behind(trustStatement) && now - at < memory)
          late.push({ instance, reason: why })
      }
    }
  }
  for (const instance of witnesses.undelivered) late.push({ instance, reason: 'has not read its files anew' })
  return late.filter(({ instance }) => !leftOut.includes(instance))
}

export interface Waiting {
  readonly now: number
  readonly expired: boolean
  readonly memory: number
  /** Instances that somebody has said not to wait for. */
  readonly leftOut: readonly string[]
}

/** Who does not enforce this bundle yet; where nobody can say so, nobody is late. */
export function lateForBundle(
  { live }: Witnesses,
  number: DocumentNumber,
  leftOut: readonly string[],
): readonly Late[] {
  return live
    .filter(({ bundle }) => bundle === undefined || compareDocumentNumbers(bundle, number) < 0)
    .filter(({ instance }) => !leftOut.includes(instance))
    .map(({ instance }) => ({ instance, reason: 'has not acknowledged the bundle' }))
}
