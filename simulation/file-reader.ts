import { createPublicKey } from 'node:crypto'
import { type Certificate, decodePem, parseCertificate, parseCrl } from '@datapunk/pki'
import { SETTLE_TIME } from '../packages/authority/delivery/deliver.ts'
import { reloadFailed } from '../packages/authority/delivery/reload-failure.ts'
import type { Handover } from '../packages/authority/engine/handover.ts'
import { remembering } from '../packages/protocol/remembering.ts'
import type { SimulatedAuthority } from './simulated-authority.ts'
import type { World } from './world.ts'

export interface ReaderWatch {
  /** It has read its files, or runs no more. */
  changed(reader: FileReader): void
}

/** By what a service like nginx judges others: the same objects for all who have read the same. */
export interface Trusted {
  readonly roots: readonly Certificate[]
  /** Serials that its list has. */
  readonly revoked: ReadonlySet<string>
}

/** What a service like nginx has in memory of its files. */
export interface FilesRead extends Trusted {
  /** Leaf first, and what it sends with it. */
  readonly chain: readonly Certificate[]
  /** Milliseconds since the epoch. */
  readonly at: number
}

const NOBODY: ReadonlySet<string> = new Set()

const readRoots = remembering((pem): readonly Certificate[] =>
  decodePem(pem, 'CERTIFICATE').map(parseCertificate),
)

const readLists = remembering((pem): ReadonlySet<string> => {
  const entries = decodePem(pem, 'X509 CRL').flatMap((der) => [...parseCrl(der).entries])
  return new Set(entries.map(({ serial }) => Buffer.from(serial).toString('hex')))
})

/** How long a reload that has failed is left alone at most. Milliseconds. */
const LONGEST_PAUSE = 60 * 60_000

/** A service that knows nothing of the mesh: it reads its files when it starts, and when its `reload` is run. */
export class FileReader {
  readonly service: string
  /** What becomes of a reload: it fails and nothing is read, or it is read and the command does not end in time. */
  trouble: 'fails' | 'hangs' | undefined
  read: FilesRead | undefined
  /** From when on it runs and is told; that may be a moment to come. */
  reachableSince = Number.POSITIVE_INFINITY
  /** Not wanted any more: where its process runs it goes on, and once that has ended there is no other. */
  isDismissed = false
  #process = 0
  readonly #world: World
  readonly #authority: SimulatedAuthority
  readonly #watch: ReaderWatch

  constructor(service: string, world: World, authority: SimulatedAuthority, watch: ReaderWatch) {
    this.service = service
    this.#world = world
    this.#authority = authority
    this.#watch = watch
  }

  get isRunning(): boolean {
    return this.#process > 0
  }

  get leaf(): Certificate | undefined {
    return this.read?.chain[0]
  }

  /** It is wanted again. What still runs of it goes by what was so then, and ends. */
  engage(): void {
    this.isDismissed = false
    this.stop()
  }

  /** Without a pair it does not come up, and is started when there is one. */
  start(): void {
    if (this.isRunning || this.isDismissed || !this.#readFiles()) return
    this.#process++
    this.#isReachable()
  }

  stop(_says?: boolean): void {
    this.#process = 0
    this.read = undefined
    this.reachableSince = Number.POSITIVE_INFINITY
    this.#watch.changed(this)
  }

  /** There is a pair, where it may have waited for one. */
  filesChanged(): void {
    if (!this.isRunning) this.start()
  }

  fallIll(trouble: 'fails' | 'hangs'): void {
    this.trouble = trouble
    this.reachableSince = Number.POSITIVE_INFINITY
  }

  recover(): void {
    this.trouble = undefined
    this.#isReachable()
    this.reachableSince += LONGEST_PAUSE
  }

  /** Its `reload` is run. @throws AuthorityError `RELOAD_FAILED` */
  told({ service, address, serial }: Handover): void {
    if (this.trouble === 'fails' || !this.isRunning)
      throw reloadFailed(service, { found: 'the command ended with 1', fix: 'Mend it' })
    const process = this.#process
    // Whoever can't be looked at may take a moment.
    if (address === undefined && this.trouble === undefined)
      this.#world.after(this.#world.draw.between(0, SETTLE_TIME - 1), () => {
        if (process === this.#process) this.#readFiles()
      })
    else if (!this.#readFiles() || this.leaf?.serial !== serial)
      throw reloadFailed(service, { found: `it shows ${this.leaf?.serial}`, fix: 'Mend it' })
    if (this.trouble === 'hangs')
      throw reloadFailed(service, { found: 'the command did not end within 30 s', fix: 'Mend it' })
  }

  #isReachable(): void {
    if (this.isRunning && this.trouble === undefined) this.reachableSince = this.#world.now()
  }

  /** @returns whether there was a pair that fits */
  #readFiles(): boolean {
    const { machine, config } = this.#authority
    const { cert, key } = config.services.get(this.service) ?? {}
    const [certPem, keyPem, rootsPem] = [cert, key, config.paths.caCert].map((path) =>
      machine.read(path ?? ''),
    )
    if (certPem === undefined || keyPem === undefined || rootsPem === undefined) return false
    const chain = decodePem(certPem, 'CERTIFICATE').map(parseCertificate)
    const spki = createPublicKey(keyPem).export({ type: 'spki', format: 'der' })
    if (Buffer.compare(spki, chain[0]!.spki) !== 0) return false
    const lists = machine.read(config.paths.crl)
    const revoked = lists === undefined ? NOBODY : readLists(lists)
    this.read = { chain, roots: readRoots(rootsPem), revoked, at: this.#world.now() }
    this.#watch.changed(this)
    return true
  }
}
