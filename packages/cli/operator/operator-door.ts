import type { AuthorityEvent, Happening } from '@datapunk/authority'
import { type OperatorPort, type OperatorSource, serveOperator } from '@datapunk/mesh/operator'
import { type Address, addressText } from '@datapunk/protocol'

/** Another process may have the port now. Milliseconds. */
const TRY_AGAIN_AFTER = 10_000

export interface OperatorDoorOptions {
  readonly source: OperatorSource
  readonly clock: () => number
  readonly report: (event: AuthorityEvent) => void
}

/** Serves metrics, health and readiness where the config says, whatever becomes of it: the mesh is kept either way. */
export class OperatorDoor {
  readonly #options: OperatorDoorOptions
  #wanted = ''
  #port: OperatorPort | undefined
  #moving: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(options: OperatorDoorOptions) {
    this.#options = options
  }

  /** From now on there, or nowhere. */
  moveTo(address: Address | undefined): void {
    const wanted = JSON.stringify(address ?? null)
    if (wanted === this.#wanted) return
    this.#wanted = wanted
    this.#moving = this.#moving.then(() => this.#move(address))
  }

  async close(): Promise<void> {
    this.moveTo(undefined)
    await this.#moving
  }

  async #move(address: Address | undefined): Promise<void> {
    clearTimeout(this.#timer)
    await this.#port?.close()
    this.#port = undefined
    if (address !== undefined) await this.#open({ host: address.host, port: address.port ?? 0 }, true)
  }

  /** @param isFirst the first failure is told, not each */
  async #open(place: { host: string; port: number }, isFirst: boolean): Promise<void> {
    try {
      this.#port = await serveOperator(this.#options.source, place)
      const { host, port } = this.#port.place
      this.#report({ kind: 'metrics-served', detail: { address: addressText(host, port) } })
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error)
      if (isFirst) {
        const message = `metrics are served to nobody: ${cause}: change authority.metrics; it is tried again`
        this.#report({ kind: 'metrics-failed', detail: { error: message } })
      }
      const wanted = this.#wanted
      this.#timer = setTimeout(() => {
        this.#moving = this.#moving.then(() => this.#tryAgain(place, wanted))
      }, TRY_AGAIN_AFTER)
    }
  }

  /** @param wanted what was, when it failed: somebody may have moved it since */
  async #tryAgain(place: { host: string; port: number }, wanted: string): Promise<void> {
    if (this.#wanted === wanted) await this.#open(place, false)
  }

  #report(told: Happening<'metrics-served' | 'metrics-failed'>): void {
    this.#options.report({ ...told, subject: 'authority', at: this.#options.clock() })
  }
}
