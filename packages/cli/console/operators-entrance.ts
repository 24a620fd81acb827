import { AuthorityReader } from '@datapunk/authority'
import type { ConsoleEntrance, Shown, ShownPair, Visitor } from '@datapunk/console'
import { type Certificate, encodePem, verifyPath } from '@datapunk/pki'
import { type Config, consoleNamesOf, type OperatorConfig } from '@datapunk/protocol'
import { judgeOperator, type OperatorRefused } from './judge-operator.ts'
import { NewestMesh } from './newest-mesh.ts'
import type { OwnCertificate } from './own-certificate.ts'

export interface OperatorsEntranceOptions {
  readonly config: Config
  readonly clock: () => number
  readonly own: OwnCertificate
  /** Whom the config names now. */
  readonly operators: () => readonly OperatorConfig[]
  /** Nobody may do anything. */
  readonly readOnly: boolean
  readonly onRefused: (refused: OperatorRefused, remote: string | undefined) => void
}

/** How often it looks whether its certificate grows old. Milliseconds. */
const LOOK_EVERY = 10_000

/** Where operators come in: who the console is, and the verdict on whoever knocks. */
export class OperatorsEntrance implements ConsoleEntrance {
  readonly names: readonly string[]
  readonly #options: OperatorsEntranceOptions
  readonly #mesh: NewestMesh
  /** Certificates that are on record, DER in base64: what is, is for ever. */
  readonly #recorded = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  private constructor(options: OperatorsEntranceOptions) {
    const { config, clock } = options
    this.#options = options
    this.names = consoleNamesOf(config)
    this.#mesh = new NewestMesh(config, clock)
  }

  /**
   * Opens once there is a certificate to show.
   *
   * @throws what the authority refuses that with; MeshError as `readMeshDocuments`
   */
  static async open(options: OperatorsEntranceOptions): Promise<OperatorsEntrance> {
    const entrance = new OperatorsEntrance(options)
    await options.own.renew(entrance.#isGood)
    entrance.#mesh.look()
    // What can't be renewed now is asked for again, and shown until then.
    const renew = () => void options.own.renew(entrance.#isGood).catch(() => {})
    entrance.#timer = setInterval(renew, LOOK_EVERY).unref()
    return entrance
  }

  close(): void {
    clearInterval(this.#timer)
  }

  pair(): ShownPair {
    const { roots, issuingCas } = this.#mesh.look().trust
    const ca = [...roots, ...issuingCas].map(({ der }) => encodePem('CERTIFICATE', der)).join('')
    return { ...this.#options.own.held, ca }
  }

  visitor(shown: Shown): Visitor | undefined {
    const { config, clock, operators, readOnly, onRefused } = this.#options
    try {
      const rules = {
        mesh: () => this.#mesh.look(),
        operators: operators(),
        readOnly,
        isOnRecord: (leaf: Certificate) => this.#isOnRecord(leaf),
        clockSkew: config.authority.clockSkew,
      }
      return judgeOperator(shown, rules, clock())
    } catch (error) {
      onRefused(error as OperatorRefused, shown.remote)
      return undefined
    }
  }

  #isOnRecord({ serial, der }: Certificate): boolean {
    const text = Buffer.from(der).toString('base64')
    if (this.#recorded.has(text)) return true
    const { config, clock } = this.#options
    const observation = new AuthorityReader({ config, clock })
    try {
      const row = observation.certificate(serial)
      const isRecorded =
        row?.profile === 'operator' && row.der !== undefined && Buffer.compare(row.der, der) === 0
      if (isRecorded) this.#recorded.add(text)
      return isRecorded
    } finally {
      observation.close()
    }
  }

  /**
   * Whether it has the console's names, and operators believe it.
   *
   * @throws as `NewestMesh.look`: nobody can tell, and another would be none the better
   */
  readonly #isGood = (leaf: Certificate): boolean => {
    const { trust, bundle } = this.#mesh.look()
    const { roots, issuingCas } = trust
    const { dnsNames = [] } = leaf.extensions.subjectAltName ?? {}
    if (!this.names.every((name) => dnsNames.includes(name))) return false
    try {
      verifyPath({ leaf, intermediates: issuingCas, roots, at: this.#options.clock(), usage: 'serverAuth' })
      return !bundle.revoked.has(leaf.serial)
    } catch {
      return false
    }
  }
}
