import { type Certificate, endOf, readableCertificate, type TileLeaf } from '@datapunk/pki'
import { keyIdOf, pinOf, type TrustedLog } from '@datapunk/protocol'
import type { Clock } from '../clock.ts'
import type { LoggedCertificate, LoggedCertificates } from '../gate/logged-certificates.ts'
import type { ReadLog } from './log-reader.ts'
import { LogWitness } from './log-witness.ts'
import type { Contradiction } from './recall.ts'
import type { WitnessMemory } from './witness-memory.ts'

/** Something is wrong with a log, or with a certificate that it has promised to hold. */
export interface LogAlarm {
  /**
   * `absent`: a certificate is not where its SCT says. `contradiction`: a log has signed two trees that can't both be true.
   * `misissued`: a log holds a certificate for this service that is not for a key of its own.
   */
  readonly kind: 'absent' | 'contradiction' | 'misissued'
  /** The log's name in its checkpoints. */
  readonly origin: string
  /** Of the certificate, lowercase hex. */
  readonly serial?: string
  /** Checkpoints as the log has signed them: the last one, or the two that contradict each other. */
  readonly checkpoints: readonly string[]
  readonly message: string
}

/** By what this service knows a certificate for itself. */
export interface OwnNames {
  readonly spiffeId: string
  /** Lower case. */
  readonly dnsNames: readonly string[]
  /** The keys of this service, as the bundle pins them; undefined where it pins none. */
  readonly pins: ReadonlySet<string> | undefined
  /** Whether the bundle says that a certificate is revoked. */
  readonly isRevoked: (serial: string) => boolean
}

export interface LogWatchOptions {
  readonly clock: Clock
  readonly random: (size: number) => Buffer
  /** What is read is given up when the signal says so. */
  readonly read: (id: string, signal: AbortSignal) => ReadLog
  readonly memory: WitnessMemory
  readonly logged: LoggedCertificates
  readonly ownNames: () => OwnNames
  readonly alarm: (alarm: LogAlarm) => void
  /** What was believed of a certificate is believed no more. */
  readonly changed: () => void
}

/** A certificate has to be found within a minute from its first sight; what can't be reached is asked again. Milliseconds. */
const DEADLINE = 60_000
const FIRST_LOOK = 2_000
const LONGEST_PAUSE = 30_000

/** A certificate that somebody else has made for this service is to be seen within a minute. Milliseconds. */
const LOOK_EVERY = 45_000
const PIN_DELAY = 5_000

/** Certificates that wait to be looked for; of more only the first are, until there is room. */
const MAX_WAITING = 4096

/** Of those that did not come in time only the last are looked for on. */
const MAX_LATE = 4096

interface Sought {
  readonly logged: LoggedCertificate
  readonly until: number
}

/** What is needed of an entry for this service, and for no key of its. */
interface Stranger {
  readonly leafIndex: number
  readonly serial: string
  readonly notAfter: number
  readonly pin: string
}

/**
 * Off the path of handshakes: looks for every certificate in the log that has promised to hold it, and follows the logs'
 * checkpoints. Absence is an alarm, and so is a log that contradicts itself; a log that can't be reached is neither.
 */
export class LogWatch {
  readonly #options: LogWatchOptions
  readonly #witnesses = new Map<string, LogWitness>()
  readonly #sought = new Map<string, Sought>()
  /** By fingerprint: what was not there in time, which is refused until it is. */
  readonly #late = new Map<string, LoggedCertificate>()
  /** Of each look what it found strange, the first look first; until its pins have had their time. */
  readonly #undecided = new Map<readonly Stranger[], LogWitness>()
  #keeping: Promise<void> = Promise.resolve()
  #pause = FIRST_LOOK
  #nextAt = Number.POSITIVE_INFINITY
  #cancel = () => {}
  #looking: Promise<void> | undefined
  readonly #ending = new AbortController()
  /** Pins of keys that this process has had. */
  readonly #held = new Set<string>()

  constructor(options: LogWatchOptions) {
    this.#options = options
    options.logged.onFirstSight((logged) => this.#seek(logged))
  }

  /** Goes on with these logs, and looks at each of them before long. */
  follow(logs: readonly TrustedLog[]): void {
    const { memory } = this.#options
    const read = (id: string) => this.#options.read(id, this.#ending.signal)
    const before = new Map(this.#witnesses)
    this.#witnesses.clear()
    for (const log of logs) {
      const witness = new LogWitness({ log, read, memory })
      this.#witnesses.set(witness.log, before.get(witness.log) ?? witness)
    }
    // Whose word counts for nothing any more has nothing to prove.
    for (const [fingerprint, { logged }] of this.#sought)
      if (!this.#witnesses.has(logged.sct.log)) this.#sought.delete(fingerprint)
    if (logs.length > 0)
      this.#lookWithin([...this.#witnesses.keys()].every((log) => before.has(log)) ? LOOK_EVERY : FIRST_LOOK)
  }

  /** The key of this certificate is this service's own, whatever becomes of the bundle that said so. */
  holds({ spki }: Pick<Certificate, 'spki'>): void {
    this.#held.add(pinOf(keyIdOf(spki)))
  }

  /** What was seen last of each log. */
  get witnesses(): Iterable<LogWitness> {
    return this.#witnesses.values()
  }

  /** Fulfilled when nothing is being written any more. */
  async stop(): Promise<void> {
    this.#ending.abort()
    this.#cancel()
    await this.#looking
    await this.#keeping
  }

  #seek(logged: LoggedCertificate): void {
    if (this.#sought.size >= MAX_WAITING) return
    this.#sought.set(logged.fingerprint, { logged, until: this.#options.clock.now() + DEADLINE })
    this.#lookWithin(this.#pause)
  }

  /** Unless it looks sooner anyhow. */
  #lookWithin(pause: number): void {
    const { clock, random } = this.#options
    const at = clock.now() + pause
    if (this.#ending.signal.aborted || at >= this.#nextAt) return
    this.#cancel()
    this.#nextAt = at
    // Not all of a mesh at once.
    const delay = Math.round(pause * (0.5 + random(1)[0]! / 512))
    this.#cancel = clock.after(delay, () => void this.look())
  }

  /** Looks now rather than later; joins a look that has begun. Never rejects. */
  look(): Promise<void> {
    this.#cancel()
    this.#looking ??= this.#look().then((isAnswered) => {
      this.#looking = undefined
      this.#nextAt = Number.POSITIVE_INFINITY
      this.#pause = isAnswered ? FIRST_LOOK : Math.min(LONGEST_PAUSE, this.#pause * 2)
      this.#lookWithin(isAnswered && this.#sought.size === 0 ? LOOK_EVERY : this.#pause)
    })
    return this.#looking
  }

  /** @returns whether each log could be asked */
  async #look(): Promise<boolean> {
    let isAnswered = true
    for (const witness of this.#witnesses.values()) {
      try {
        await this.#advance(witness)
        for (const sought of [...this.#sought.values()])
          if (sought.logged.sct.log === witness.log) await this.#find(witness, sought)
        for (const late of [...this.#late.values()])
          if (late.sct.log === witness.log) await this.#findLate(witness, late)
        await this.#readNew(witness)
      } catch {
        // Nobody can be asked, or what was answered proves nothing.
        isAnswered = false
      }
    }
    return isAnswered
  }

  /** Reads what is new in a log, for certificates of this service that are for keys it does not have. */
  async #readNew(witness: LogWitness): Promise<void> {
    const strangers: Stranger[] = []
    try {
      await witness.readNew((entry) => {
        const stranger = this.#strangerIn(entry)
        if (stranger !== undefined) strangers.push(stranger)
      })
    } finally {
      if (strangers.length > 0) {
        this.#undecided.set(strangers, witness)
        // A key that was made just now may be in the log a moment before its pin is here.
        this.#options.clock.after(PIN_DELAY, () => this.#decide(strangers, witness))
      }
      await this.#keepDecided(witness)
    }
  }

  #decide(strangers: readonly Stranger[], witness: LogWitness): void {
    if (this.#ending.signal.aborted) return
    for (const stranger of strangers) if (this.#isStrange(stranger)) this.#tellOfStranger(witness, stranger)
    this.#undecided.delete(strangers)
    void this.#keepDecided(witness)
  }

  /** Whoever starts anew goes on from what nothing was decided of. Never rejects: what is not kept is read again. */
  #keepDecided(witness: LogWitness): Promise<void> {
    this.#keeping = this.#keeping.then(() => witness.keepRead(this.#firstUndecided(witness))).catch(() => {})
    return this.#keeping
  }

  #firstUndecided(witness: LogWitness): number | undefined {
    for (const [[first], log] of this.#undecided) if (log === witness) return first?.leafIndex
    return undefined
  }

  #tellOfStranger(witness: LogWitness, { leafIndex, serial }: Stranger): void {
    const { ownNames, alarm } = this.#options
    const message = `entry ${leafIndex} of the log ${witness.origin}, the certificate ${serial}, is for ${ownNames().spiffeId}, and for a key that is not its own: \`mtls revoke ${serial}\`, and where the authority has not issued it, \`mtls compromise --issuing-ca\``
    const checkpoints = witness.checkpoint ? [textOf(witness.checkpoint)] : []
    alarm({ kind: 'misissued', origin: witness.origin, serial, checkpoints, message })
  }

  /** The certificate of an entry where it is for this service, and for no key of its. */
  #strangerIn({ entry, leafIndex }: TileLeaf): Stranger | undefined {
    const { spiffeId, dnsNames } = this.#options.ownNames()
    const certificate = readableCertificate(entry)
    const names = certificate?.extensions.subjectAltName
    const isOurs =
      names?.uris.includes(spiffeId) || names?.dnsNames.some((name) => dnsNames.includes(name.toLowerCase()))
    if (certificate === undefined || !isOurs) return undefined
    const { serial, notAfter, spki } = certificate
    const stranger = { leafIndex, serial, notAfter, pin: pinOf(keyIdOf(spki)) }
    return this.#isStrange(stranger) ? stranger : undefined
  }

  /**
   * The bundle names a key for as long as somebody may come with it. So one that it does not name is told from a stranger's only
   * while its certificate is good.
   */
  #isStrange({ serial, notAfter, pin }: Stranger): boolean {
    const { clock, ownNames } = this.#options
    const { pins, isRevoked } = ownNames()
    if (pins === undefined || clock.now() >= endOf(notAfter) || isRevoked(serial)) return false
    return !pins.has(pin) && !this.#held.has(pin)
  }

  async #advance(witness: LogWitness): Promise<void> {
    const known = witness.contradiction
    await witness.advance()
    const { contradiction } = witness
    if (contradiction === undefined || contradiction === known) return
    this.#options.logged.distrust(witness.log)
    this.#options.alarm(contradictionAlarm(witness, contradiction))
    this.#options.changed()
  }

  async #find(witness: LogWitness, { logged, until }: Sought): Promise<void> {
    const found = await witness.find(logged)
    if (found === 'later' && this.#options.clock.now() < until) return
    this.#sought.delete(logged.fingerprint)
    if (found === 'later') {
      if (this.#late.size >= MAX_LATE) this.#late.delete(this.#late.keys().next().value as string)
      this.#late.set(logged.fingerprint, logged)
    }
    if (found !== 'there') return this.#tellAbsent(witness, logged, found)
    this.#options.logged.markProven(logged)
    // It may have been refused until now.
    if (witness.contradiction !== undefined) this.#options.changed()
  }

  /** What is there after all is good from now on. */
  async #findLate(witness: LogWitness, logged: LoggedCertificate): Promise<void> {
    const found = await witness.find(logged)
    if (found === 'later') return
    this.#late.delete(logged.fingerprint)
    if (found === 'absent') return this.#tellAbsent(witness, logged, found)
    this.#options.logged.markProven(logged)
    this.#options.changed()
  }

  #tellAbsent(witness: LogWitness, logged: LoggedCertificate, found: 'absent' | 'later'): void {
    const size = witness.checkpoint?.size ?? 0
    const why =
      found === 'absent'
        ? `that is not at place ${logged.sct.leafIndex} of the log, where its SCT says that it is`
        : `that the log of ${size} entries does not hold yet, though its SCT says so`
    const { alarm, changed } = this.#options
    this.#options.logged.markAbsent(logged, why)
    const { serial } = logged.leaf
    const checkpoints = witness.checkpoint ? [textOf(witness.checkpoint)] : []
    const message = `found the certificate ${serial} ${why}: \`mtls log verify\` says whether the log is whole, \`mtls compromise --log\` begins another`
    alarm({ kind: 'absent', origin: witness.origin, serial, checkpoints, message })
    changed()
  }
}

function contradictionAlarm({ origin }: LogWitness, { before, after }: Contradiction): LogAlarm {
  const found =
    after.size < before.size && after.timestamp > before.timestamp
      ? `the log ${origin} has signed a tree of ${before.size} entries, and later one of ${after.size}`
      : `the log ${origin} has signed two trees, of ${before.size} and ${after.size} entries, that do not agree`
  const message = `${found}: \`mtls compromise --log\` begins another, and issues every certificate anew`
  return { kind: 'contradiction', origin, checkpoints: [textOf(before), textOf(after)], message }
}

function textOf({ signed }: { readonly signed: Uint8Array }): string {
  return Buffer.from(signed).toString('utf8')
}
