import {
  generateKeyPair,
  localSigner,
  logIdOf,
  precertEntry,
  type Sct,
  type Signer,
  sha256,
  signSct,
} from '@datapunk/pki'

/** What a log is asked to promise: a certificate without poison and SCTs, as a `Precertificate` has it. */
export interface Loggable {
  /** DER `TBSCertificate`. */
  readonly tbs: Uint8Array
  /** DER SubjectPublicKeyInfo. */
  readonly issuerSpki: Uint8Array
}

/** A transparency log for tests: it has a key, and promises everything; it keeps nothing. */
export class TestLog {
  readonly signer: Signer
  /** Lowercase hexadecimal, as `verifyScts` knows logs. */
  readonly id: string
  #size = 0

  private constructor(signer: Signer) {
    this.signer = signer
    this.id = Buffer.from(logIdOf(signer.spki)).toString('hex')
  }

  static async create(): Promise<TestLog> {
    const { privateKey } = await generateKeyPair('ecdsa-p256')
    return new TestLog(localSigner(privateKey))
  }

  /**
   * An SCT for the next place in the log.
   *
   * @param timestamp milliseconds since the epoch
   */
  sct({ tbs, issuerSpki }: Loggable, timestamp: number): Promise<Sct> {
    const entry = precertEntry({ tbs, issuerKeyHash: sha256(issuerSpki) })
    return signSct({ timestamp, entry, leafIndex: this.#size++ }, this.signer)
  }
}

/** The logs as `verifyScts` wants them. */
export function logsOf(...logs: readonly TestLog[]): ReadonlyMap<string, Uint8Array> {
  return new Map(logs.map(({ id, signer }) => [id, signer.spki]))
}
