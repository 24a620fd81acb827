import { type BadSct, type Certificate, type GoodSct, verifyScts } from '@datapunk/pki'

/** A certificate whose SCT was verified, and where it is to be found in the log. */
export interface LoggedCertificate {
  readonly leaf: Certificate
  /** DER SubjectPublicKeyInfo of whoever has issued it. */
  readonly issuerSpki: Uint8Array
  readonly sct: PlacedSct
}

export interface PlacedSct extends GoodSct {
  readonly leafIndex: number
}

/** Some 3 kB each. */
const MAX_ENTRIES = 4096

/**
 * What this process knows of certificates in transparency logs. It outlives every bundle: none changes what a log has signed,
 * or what was found in it.
 */
export class LoggedCertificates {
  readonly #known = new Map<string, LoggedCertificate>()
  /** By fingerprint: why it is not in the log that has promised to hold it. */
  readonly #absent = new Map<string, string>()
  #onFirstSight: (fingerprint: string, logged: LoggedCertificate) => void = () => {}

  /** @param listener told of each certificate when its SCT was verified, once */
  onFirstSight(listener: (fingerprint: string, logged: LoggedCertificate) => void): void {
    this.#onFirstSight = listener
    for (const [fingerprint, logged] of this.#known) listener(fingerprint, logged)
  }

  /** Why a certificate is known not to be in its log; undefined where nothing speaks against it. */
  absence(fingerprint: string): string | undefined {
    return this.#absent.get(fingerprint)
  }

  /** From now on nobody believes its SCT. */
  isAbsent(fingerprint: string, why: string): void {
    this.#absent.set(fingerprint, why)
  }

  /**
   * A good SCT of a certificate, verified once, of a log that is trusted still.
   *
   * @param logs as `verifyScts` wants them
   * @param latest when an SCT may be from at the latest, milliseconds since the epoch
   * @returns the certificate with that SCT, or why none is good
   */
  of(
    fingerprint: string,
    leaf: Certificate,
    issuerSpki: Uint8Array,
    { logs, latest }: { readonly logs: ReadonlyMap<string, Uint8Array>; readonly latest: number },
  ): LoggedCertificate | readonly BadSct[] {
    const known = this.#known.get(fingerprint)
    if (known !== undefined && logs.has(known.sct.log)) return known
    const { good, bad } = verifyScts(leaf, { issuerSpki, logs, latest })
    // Without its place nobody could look whether it is there (C2SP static-ct-api requires it).
    const sct = good.find((one): one is PlacedSct => one.leafIndex !== undefined)
    if (sct === undefined) return bad
    const logged = { leaf, issuerSpki, sct }
    if (this.#known.size >= MAX_ENTRIES) this.#known.delete(this.#known.keys().next().value as string)
    this.#known.set(fingerprint, logged)
    this.#onFirstSight(fingerprint, logged)
    return logged
  }
}
