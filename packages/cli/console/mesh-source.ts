import { type Administration, AuthorityReader, connectAdmin } from '@datapunk/authority'
import { ConsoleError, type ConsoleSource, LiveView } from '@datapunk/console'
import { type Config, layoutOf } from '@datapunk/protocol'
import type { ConsoleAction, ConsoleAudit } from '@datapunk/protocol/console'
import { auditEntryText } from '../text/audit-entry-text.ts'
import { actOn, planOfAction } from './actions.ts'
import type { ConsoleWorld } from './console-world.ts'
import { logPage, logProof } from './log-pages.ts'
import { MeshWatch } from './mesh-watch.ts'
import { serviceDetail } from './service-detail.ts'

/** Entries of the audit on one page. */
const SHOWN_AUDIT = 100

/** The mesh of one config file: what its authority says, and what lies beside it. Nothing is kept here but the newest look. */
export class MeshSource implements ConsoleSource {
  readonly live = new LiveView()
  readonly #config: Config
  readonly #world: ConsoleWorld
  readonly #watch: MeshWatch

  constructor(config: Config, world: ConsoleWorld) {
    this.#config = config
    this.#world = world
    this.#watch = new MeshWatch(config, this.live, world)
  }

  start(): void {
    this.#watch.start()
  }

  stop(): void {
    this.#watch.stop()
  }

  async service(name: string) {
    const record = this.#observed((observation) => observation.serviceRecord(name))
    if (record?.service.state !== 'member') return undefined
    const live = await (await this.#administration()).liveService(name)
    return serviceDetail(record, live)
  }

  async audit(before: number | undefined): Promise<ConsoleAudit> {
    return this.#observed((observation) => {
      const { size, root } = observation.auditTree()
      const entries = observation.auditBefore(before, SHOWN_AUDIT)
      return {
        size,
        root: Buffer.from(root).toString('base64'),
        entries: entries.map(({ number, at, actor, deed, entry }) => ({
          ...{ number, at, actor, deed },
          text: auditEntryText(entry),
        })),
      }
    })
  }

  log(before: number | undefined) {
    return logPage(this.#config, before)
  }

  proof(serial: string) {
    const der = this.#observed((observation) => observation.certificate(serial)?.der)
    return logProof(this.#config, serial, { der, now: this.#world.clock() })
  }

  async plan(action: ConsoleAction) {
    return planOfAction(await this.#administration(), action)
  }

  async act(action: ConsoleAction, operator: string | undefined) {
    return actOn(await this.#administration(operator), action)
  }

  #observed<Result>(look: (observation: AuthorityReader) => Result): Result {
    const observation = new AuthorityReader({ config: this.#config, clock: this.#world.clock })
    try {
      return look(observation)
    } finally {
      observation.close()
    }
  }

  /** @param operator who asks, for the audit; undefined: somebody on this machine */
  async #administration(operator?: string): Promise<Administration> {
    const { adminSocket } = layoutOf(this.#config).authority
    const purpose = operator === undefined ? 'console' : `console-${operator}`
    const found = await connectAdmin(adminSocket, { purpose, uid: this.#world.uid })
    if (found !== undefined) return found
    throw new ConsoleError('NOT_DONE', 'the authority does not answer now; ask again when it does')
  }
}
