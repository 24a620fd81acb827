import { compareDocumentNumbers, type DocumentNumber } from '@datapunk/protocol'
import type { Announced } from '../store/rows.ts'
import type { Memory } from './longest-memory.ts'

/** A live peer, as far as a roll-over asks. */
export interface Witness {
  readonly instance: string
  /** What it has said it enforces; undefined before it has said anything. */
  readonly trustStatement: DocumentNumber | undefined
  readonly bundle: DocumentNumber | undefined
  /** When it said so. */
  readonly at: number | undefined
  readonly shown: Shown | undefined
  /** Its open connections by the slot that has signed the certificate at the other end. */
  readonly connections: ReadonlyMap<string, number>
}

/** The certificate that an instance was last seen to speak with: it may show it to others as long as it has a valid bundle. */
export interface Shown {
  /** That has signed it. */
  readonly slot: string
  readonly notAfter: number
  /** The slot of the log that holds it; undefined where none does. */
  readonly log: string | undefined
}

/** What is known of those for whom a roll-over waits. */
export interface Witnesses {
  /** Live peers of members. */
  readonly live: readonly Witness[]
  /** `complete`: who is live has come. `coming`: the authority was just started. `unreachable`: peers can't reach it. */
  readonly state: 'complete' | 'coming' | 'unreachable'
  /** Instances of members that have ever acknowledged, and have not said that they end: what they said last, and when. */
  readonly known: readonly {
    readonly instance: string
    readonly trustStatement: DocumentNumber
    readonly bundle: DocumentNumber
    readonly at: number
    readonly shown: Shown | undefined
    /** When the last certificate that it may have taken up ends: whoever asks for it by CSR has it before he has said so. */
    readonly speaksUntil: number
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
 * @param memory until when somebody who has acknowledged at a time may have a valid bundle
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
    // Whoever fell silent may be cut off from here and not from the others, and goes on with the bundle it has.
    for (const { instance, trustStatement, at } of witnesses.known) {
      if (!live.has(instance) && behind(trustStatement) && now < memory(at))
        late.push({ instance, reason: silence[witnesses.state] })
    }
  }
  for (const instance of witnesses.undelivered) late.push({ instance, reason: 'has not read its files anew' })
  return late.filter(({ instance }) => !leftOut.includes(instance))
}

const silence: Readonly<Record<Witnesses['state'], string>> = {
  complete: 'can’t be reached, and has a bundle that is still valid',
  coming: 'has not come back yet',
  unreachable: 'can’t be asked: run `mtls up`',
}

/**
 * Who does not know yet what a bundle was the first to say. Whoever fell silent counts while a certificate of his own is valid:
 * after that nobody speaks with him.
 *
 * @param announced undefined: what is in no bundle yet
 */
export function lateForAnnounced(
  { live, known, state }: Witnesses,
  announced: Announced | undefined,
  { now, memory, leftOut }: Pick<Waiting, 'now' | 'memory' | 'leftOut'>,
): readonly Late[] {
  if (announced !== undefined && now > memory(announced.at)) return []
  const behind = ({ bundle }: Pick<Witness, 'bundle'>) =>
    announced === undefined || bundle === undefined || compareDocumentNumbers(bundle, announced) < 0
  const isLive = new Set(live.map(({ instance }) => instance))
  const silent = known.filter(
    (one) => !isLive.has(one.instance) && behind(one) && now < memory(one.at) && one.speaksUntil > now,
  )
  const late = [
    ...live.filter(behind).map(({ instance }) => ({ instance, reason: 'has not acknowledged it' })),
    ...silent.map(({ instance }) => ({ instance, reason: silence[state] })),
  ]
  return late.filter(({ instance }) => !leftOut.includes(instance))
}

/** The slots that a certificate is good by: of what has signed it, and of the log that holds it, where one does. */
export function slotsAbove({ slot, log }: Pick<Shown, 'slot' | 'log'>): readonly string[] {
  return log === undefined ? [slot] : [slot, log]
}

/** Who still shows a certificate that is good by this slot, has not taken up the next one, and has a bundle that is still valid. */
export function lateForReissue(
  { live, known }: Witnesses,
  slot: string,
  { now, memory, leftOut }: Omit<Waiting, 'expired'>,
): readonly Late[] {
  const isLate = ({ instance, at, shown }: Pick<Witness, 'instance' | 'at' | 'shown'>) =>
    shown !== undefined &&
    slotsAbove(shown).includes(slot) &&
    shown.notAfter > now &&
    (at === undefined || now < memory(at)) &&
    !leftOut.includes(instance)
  const isLive = new Set(live.map(({ instance }) => instance))
  return [...live, ...known.filter(({ instance }) => !isLive.has(instance))]
    .filter(isLate)
    .map(({ instance }) => ({ instance, reason: 'still shows a certificate of it' }))
}

export interface Waiting {
  readonly now: number
  readonly expired: boolean
  readonly memory: Memory
  /** Instances that somebody has said not to wait for. */
  readonly leftOut: readonly string[]
}

/** Who does not enforce this bundle yet, and has one that is still valid; where nobody can say so, nobody is late. */
export function lateForBundle(
  { live }: Witnesses,
  number: DocumentNumber,
  { now, memory, leftOut }: Omit<Waiting, 'expired'>,
): readonly Late[] {
  return live
    .filter(({ bundle }) => bundle === undefined || compareDocumentNumbers(bundle, number) < 0)
    .filter(({ at }) => at === undefined || now < memory(at))
    .filter(({ instance }) => !leftOut.includes(instance))
    .map(({ instance }) => ({ instance, reason: 'has not acknowledged the bundle' }))
}
