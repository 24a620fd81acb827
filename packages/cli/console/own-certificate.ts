import { type Certificate, decodePem, generateKeyPair, type KeyPair, parseCertificate } from '@datapunk/pki'

export interface OwnCertificateOptions {
  /** Has the authority certify a key, DER SubjectPublicKeyInfo. @returns PEM: leaf, then what is above it */
  readonly certify: (spki: Uint8Array) => Promise<string>
  /** Milliseconds since the epoch. */
  readonly clock: () => number
}

interface Held {
  readonly leaf: Certificate
  /** PEM. */
  readonly cert: string
  readonly key: string
}

/** Every browser must verify it: what RFC 9846 section 9.1 makes all TLS 1.3 support. */
const KEY_ALGORITHM = 'ecdsa-p256'

/** Of its life: from then on there is to be another. */
const RENEWED_AT = 0.5

/**
 * What the console shows operators. Its key is made in this process, one for each certificate, and never leaves it: none is on
 * disk, and whoever starts anew makes another.
 */
export class OwnCertificate {
  readonly #options: OwnCertificateOptions
  #held: Held | undefined
  #renewing: Promise<void> | undefined

  constructor(options: OwnCertificateOptions) {
    this.#options = options
  }

  /** @throws TypeError where there is none yet */
  get held(): Omit<Held, 'leaf'> {
    if (this.#held === undefined) throw new TypeError('the console has no certificate yet')
    const { cert, key } = this.#held
    return { cert, key }
  }

  /**
   * Makes one where there is none, or none that lasts: half of its life is over, or it is no good any more. The one before it
   * is shown until then.
   *
   * @param isGood whether it says what it should, and others believe it
   * @throws what the authority refuses it with
   */
  async renew(isGood: (leaf: Certificate) => boolean): Promise<void> {
    if (!this.#isDue(isGood)) return
    this.#renewing ??= this.#make().finally(() => {
      this.#renewing = undefined
    })
    await this.#renewing
  }

  #isDue(isGood: (leaf: Certificate) => boolean): boolean {
    if (this.#held === undefined) return true
    const { leaf } = this.#held
    const due = leaf.notBefore + RENEWED_AT * (leaf.notAfter - leaf.notBefore)
    return this.#options.clock() >= due || !isGood(leaf)
  }

  async #make(): Promise<void> {
    const { privateKey, publicKey }: KeyPair = await generateKeyPair(KEY_ALGORITHM)
    const cert = await this.#options.certify(publicKey.export({ type: 'spki', format: 'der' }))
    const [der] = decodePem(cert, 'CERTIFICATE')
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    this.#held = { leaf: parseCertificate(der!), cert, key }
  }
}
