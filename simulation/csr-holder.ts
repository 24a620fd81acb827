import { createCsr, encodeName, type KeyPair, localSigner } from '@datapunk/pki'
import type { KeyPool } from './key-pool.ts'
import type { PairSource, PairText } from './pair-source.ts'
import type { SimulatedAuthority } from './simulated-authority.ts'
import type { World } from './world.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** As `Authority.issueForCsr` gives peers to hear of a key. */
const PEERS_KNOW_WITHIN = 2 * SECOND

/** What is asked for when: as a job would do it that runs now and then, `mtls issue SERVICE --csr FILE`. */
export interface CsrAsks {
  /** Whether it can ask now; `never` once nobody wants it to. */
  readonly can: () => 'now' | 'later' | 'never'
  /** It has another certificate. */
  readonly got: () => void
}

/** A key that the authority never has, and the certificates that it gets for it. */
export class CsrHolder implements PairSource {
  readonly #service: string
  readonly #world: World
  readonly #authority: SimulatedAuthority
  readonly #keys: KeyPool
  readonly #asks: CsrAsks
  #text: PairText | undefined
  #version = 0
  #key: KeyPair | undefined
  /** When it asks next; infinity where it does not. */
  #asksAt = Number.POSITIVE_INFINITY
  #turn = 0

  constructor(
    service: string,
    parts: { world: World; authority: SimulatedAuthority; keys: KeyPool; asks: CsrAsks },
  ) {
    this.#service = service
    this.#world = parts.world
    this.#authority = parts.authority
    this.#keys = parts.keys
    this.#asks = parts.asks
  }

  get version(): string {
    return `${this.#version}`
  }

  read(): PairText | undefined {
    return this.#text
  }

  /** Asks within that time, because what it has ends, or is of no use any more, or somebody waits for it; and again until it is answered. */
  askWithin(time: number): void {
    const now = this.#world.now()
    if (this.#asksAt <= now + time) return
    const turn = ++this.#turn
    this.#asksAt = now + this.#world.draw.between(0, time)
    this.#world.at(this.#asksAt, () => (turn === this.#turn ? this.#ask() : undefined))
  }

  async #ask(): Promise<void> {
    const again = () => {
      this.#asksAt = Number.POSITIVE_INFINITY
      this.askWithin(10 * MINUTE)
    }
    const can = this.#asks.can()
    if (can === 'later') return again()
    if (can === 'never') {
      this.#asksAt = Number.POSITIVE_INFINITY
      return
    }
    // In half of the cases for the key that it has.
    const key = this.#key !== undefined && this.#world.draw.chance(0.5) ? this.#key : this.#keys.next()
    const csr = await this.#csrOf(key)
    if (!(await this.#authority.announceCsr(this.#service, csr))) {
      // It may be the key that nobody certifies any more.
      this.#key = undefined
      return again()
    }
    this.#world.after(PEERS_KNOW_WITHIN, async () => {
      const issued = await this.#authority.issueForCsr(this.#service, csr)
      if (issued === undefined) return again()
      const keyPem = key.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
      const place = `/elsewhere/${this.#service}/${++this.#version}`
      const files = { certFile: `${place}/cert.pem`, keyFile: `${place}/key.pem` }
      this.#text = { ...files, cert: Buffer.from(issued.certificate), key: Buffer.from(keyPem) }
      this.#key = key
      this.#asksAt = Number.POSITIVE_INFINITY
      this.#renewBefore(issued.notAfter)
      this.#asks.got()
    })
  }

  #csrOf({ privateKey }: KeyPair): Promise<Uint8Array> {
    const subject = encodeName({ commonName: this.#service })
    return createCsr({ subject, signer: localSigner(privateKey), dnsNames: [] })
  }

  #renewBefore(notAfter: number): void {
    const version = this.#version
    const left = notAfter - this.#world.now()
    this.#world.after(left * this.#world.draw.between(0.5, 0.7), () => {
      if (version === this.#version) this.askWithin(left / 20)
    })
  }
}
