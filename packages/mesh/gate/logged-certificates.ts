import { type BadSct, type Certificate, type GoodSct, verifyScts } from '@datapunk/pki'

/** A certificate whose SCT was verified, and where it is to be found in the log. */
export interface LoggedCertificate {
  /** SHA-256 of the certificate, lowercase hex. */
  readonly fingerprint: string
  readonly leaf: Certificate
  /** DER SubjectPublicKeyInfo of whoever has issued it. */
  readonly issuerSpki: Uint8Array
  readonly sct: PlacedSct
}

export interface PlacedSct extends GoodSct {
  readonly leafIndex: number
}

/** What came of looking for a certificate in its log; undefined before that. */
type Finding = { readonly kind: 'proven' } | { readonly kind: 'absent'; readonly why: string } | undefined

interface Known {
  readonly logged: LoggedCertificate
  readonly finding: Finding
}

/** Some 3 kB each. */
const MAX_ENTRIES = 4096

/**
 * What this process knows of certificates in transparency logs. It outlives every bundle: none changes what a log has signed,
 * or what was found in it.
 */
export class LoggedCertificates {
  /** By fingerprint. */
  readonly #known = new Map<string, Known>()
  /** Ids of logs that have contradicted themselves. */
  readonly #distrusted = new Set<string>()
  #onFirstSight: (logged: LoggedCertificate) => void = () => {}

  /** @param listener told of each certificate when its SCT was verified, once */
  onFirstSight(listener: (logged: LoggedCertificate) => void): void {
    this.#onFirstSight = listener
    for (const { logged } of this.#known.values()) listener(logged)
  }

  /** It was found in its log: it stays good, whatever becomes of that. */
  markProven(logged: LoggedCertificate): void {
    this.#mark(logged, { kind: 'proven' })
  }

  /** It was looked for in its log and is not there: from now on nobody believes its SCT. */
  markAbsent(logged: LoggedCertificate, why: string): void {
    this.#mark(logged, { kind: 'absent', why })
  }

  /** Of what was forgotten meanwhile, or is known now by the word of another log, nothing was found. */
  #mark({ fingerprint, sct }: LoggedCertificate, finding: Finding): void {
    const known = this.#known.get(fingerprint)
    if (known?.logged.sct.log !== sct.log || known.finding?.kind === 'proven') return
    this.#known.set(fingerprint, { ...known, finding })
  }

  /** A log has contradicted itself: from now on its word counts for nothing, and only what was proven is believed. */
  distrust(log: string): void {
    this.#distrusted.add(log)
  }

  /** What speaks against a certificate with a good SCT; undefined where nothing does. */
  objection({ fingerprint, sct }: LoggedCertificate): string | undefined {
    const finding = this.#known.get(fingerprint)?.finding
    if (finding?.kind === 'proven') return undefined
    if (this.#distrusted.has(sct.log))
      return 'of a log that has contradicted itself, and not proven to be in it'
    return finding?.why
  }

  /**
   * A good SCT of a certificate, verified once, of a log that is trusted still; where it was found in its log, of one that was.
   *
   * @param logs as `verifyScts` wants them
   * @param latest when an SCT may be from at the latest, milliseconds since the epoch
   * @returns the certificate with that SCT, or why none is good
   */
  of(
    { fingerprint, leaf, issuerSpki }: Omit<LoggedCertificate, 'sct'>,
    { logs, latest }: { readonly logs: ReadonlyMap<string, Uint8Array>; readonly latest: number },
  ): LoggedCertificate | readonly BadSct[] {
    const known = this.#known.get(fingerprint)
    if (known !== undefined && (logs.has(known.logged.sct.log) || known.finding?.kind === 'proven'))
      return known.logged
    const { good, bad } = verifyScts(leaf, { issuerSpki, logs, latest })
    // Without its place nobody could look whether it is there (C2SP static-ct-api requires it).
    const sct = good.find((one): one is PlacedSct => one.leafIndex !== undefined)
    if (sct === undefined) return bad
    const logged = { fingerprint, leaf, issuerSpki, sct }
    if (this.#known.size >= MAX_ENTRIES) this.#forgetOldest()
    this.#known.set(fingerprint, { logged, finding: undefined })
    this.#onFirstSight(logged)
    return logged
  }

  /** Whoever shows it again is looked at again. */
  #forgetOldest(): void {
    this.#known.delete(this.#known.keys().next().value as string)
  }
}
