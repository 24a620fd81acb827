import { type Authority, type AuthorityEvent, type AuthorityOptions, keep, Pace } from '@datapunk/authority'
import type { MeshFolder } from './mesh-folder.ts'

/** `mtls up` within the test's own process: an authority that keeps the mesh as its config says, and serves peers. */
export class KeptAuthority {
  readonly authority: Authority
  readonly events: AuthorityEvent[]
  readonly #ending = new AbortController()
  readonly #kept: Promise<void>
  #wake: () => void = () => {}
  #told = Promise.withResolvers<void>()

  static async start(mesh: MeshFolder, options: Partial<AuthorityOptions> = {}): Promise<KeptAuthority> {
    const events: AuthorityEvent[] = []
    const { clock = Date.now } = options
    let kept: KeptAuthority | undefined
    const report = (event: AuthorityEvent) => {
      events.push(event)
      if (kept !== undefined) kept.#tell()
    }
    const authority = await mesh.authority({ report, ...options, clock })
    await authority.servePeers()
    kept = new KeptAuthority(mesh, authority, events, clock)
    return kept
  }

  private constructor(mesh: MeshFolder, authority: Authority, events: AuthorityEvent[], clock: () => number) {
    this.authority = authority
    this.events = events
    authority.peers.onChange(() => this.#wake())
    authority.onStirred(() => this.#wake())
    this.#kept = keep({
      authority,
      clock,
      pace: new Pace(clock),
      loadConfig: () => mesh.config,
      wait: (until) => this.#wait(until - clock()),
      signal: this.#ending.signal,
      onApplied: () => {},
      onError: (error) => {
        throw error
      },
    })
  }

  /** Resolves once it holds of the states of the slots. */
  async untilSlots(holds: (states: Readonly<Record<string, string>>) => boolean): Promise<void> {
    for (;;) {
      const told = this.#told.promise
      const { cas } = await this.authority.status()
      if (holds(Object.fromEntries(cas.map(({ slot, state }) => [slot, state])))) return
      await told
    }
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    this.#wake()
    await this.#kept
    await this.authority.close()
  }

  #tell(): void {
    const { resolve } = this.#told
    this.#told = Promise.withResolvers()
    resolve()
  }

  #wait(delay: number): Promise<void> {
    // Whoever asks it to stop while it works finds nobody waiting yet.
    if (this.#ending.signal.aborted) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, Math.min(delay, 2 ** 31 - 1))
    this.#wake = resolve
    return promise.finally(() => clearTimeout(timer))
  }
}
