import { PkiError } from '@datapunk/pki'
import { type Waits, waitAfter } from '../backoff.ts'
import { atTime, type Clock } from '../clock.ts'
import { MeshError } from '../error.ts'
import type { Identity } from '../gate/identity.ts'
import { examineStaple, isMustStaple, type Staple } from '../gate/staple.ts'
import type { MeshView } from '../gate/view.ts'
import type { StapleMemory } from './staple-memory.ts'
import { stapleMissing, stapleRefused } from './staple-problem.ts'

export interface StapleSource {
  /** Asks the authority, never for long. */
  readonly fetch: (serial: string, signal: AbortSignal) => Promise<Uint8Array>
  readonly memory: StapleMemory
  readonly view: () => MeshView
  readonly clock: Clock
  readonly random: (size: number) => Buffer
  /** Told what is wrong, once until all is well again. */
  readonly problem: (problem: MeshError) => void
  /** Told when the first try is over, and when there is a staple where there was none. */
  readonly changed: () => void
}

/** A staple is renewed at half of its life, or so much of it later: those of a mesh are made together. */
const RENEW_AT = 0.5
const SPREAD = 0.05

const WAITS: Waits = { first: 1000, longest: 5 * 60 * 1000 }

/** The staple of one certificate of this service: kept over restarts, renewed in time, never shown when it has ended. */
export class KeptStaple {
  readonly identity: Identity
  /** Fulfilled once there is a staple, or the first try has failed. */
  readonly tried: Promise<void>
  readonly #source: StapleSource
  readonly #ending = new AbortController()
  #hasTried = false
  #staple: Staple | undefined
  #failures = 0
  #told: string | undefined
  #working: Promise<void>
  #cancelWait = () => {}

  constructor(identity: Identity, source: StapleSource) {
    this.identity = identity
    this.#source = source
    this.tried = this.#begin()
    this.#working = this.tried
  }

  get hasTried(): boolean {
    return this.#hasTried
  }

  /** What to show now: it says `good`, and has not ended. */
  get current(): Buffer | undefined {
    const staple = this.#staple
    return staple && this.#source.clock.now() <= staple.until ? staple.der : undefined
  }

  /** Renews it no more; what is there is shown until its end. Fulfilled when nothing is being written any more. */
  async stop(): Promise<void> {
    this.#ending.abort()
    this.#cancelWait()
    await this.#working
  }

  async #begin(): Promise<void> {
    await this.#remember()
    if (this.current === undefined) await this.#renew()
    else this.#wait()
    this.#hasTried = true
    this.#source.changed()
  }

  async #remember(): Promise<void> {
    const kept = await this.#source.memory.read(this.identity.leaf.serial)
    try {
      if (kept !== undefined) this.#take(kept)
    } catch {
      // Ended by now, or damaged: the authority has another.
    }
  }

  async #renew(): Promise<void> {
    const { fetch, memory } = this.#source
    const { serial } = this.identity.leaf
    try {
      const der = await fetch(serial, this.#ending.signal)
      this.#take(der)
      await memory.keep(serial, der)
      this.#told = undefined
    } catch (error) {
      this.#tell(this.#problemOf(error))
    }
    this.#wait()
  }

  /** @throws MeshError `STAPLE_REFUSED`, PkiError */
  #take(der: Uint8Array): void {
    const { clock, view, changed } = this.#source
    const staple = examineStaple(der, this.identity, view(), clock.now())
    const { kind } = staple.status
    // Whoever knows better does not go on showing what says otherwise.
    if (kind === 'revoked') this.#staple = undefined
    if (kind !== 'good') throw stapleRefused(this.identity, kind.toUpperCase())
    const isNews = this.#hasTried && this.current === undefined
    this.#staple = staple
    if (isNews) changed()
  }

  #wait(): void {
    if (this.#ending.signal.aborted) return
    const { clock, random } = this.#source
    const now = clock.now()
    const renewAt = this.#renewAt(random(2).readUInt16BE() / 0xff_ff)
    const isDue = renewAt <= now
    const at = isDue ? now + waitAfter(this.#failures, WAITS, random) : renewAt
    this.#failures = isDue ? this.#failures + 1 : 0
    this.#cancelWait = atTime(clock, at, () => {
      this.#working = this.#renew()
    })
  }

  #renewAt(drawn: number): number {
    if (this.#staple === undefined) return 0
    const { thisUpdate, until } = this.#staple
    return thisUpdate + (RENEW_AT + SPREAD * drawn) * (until - thisUpdate)
  }

  #problemOf(error: unknown): MeshError {
    if (error instanceof PkiError) return stapleRefused(this.identity, error.code, error)
    const isOwn = error instanceof MeshError && OWN.has(error.code)
    return isOwn ? error : stapleMissing(this.identity, error)
  }

  #tell(problem: MeshError): void {
    if (this.#ending.signal.aborted) return
    const isNeeded = this.current === undefined && isMustStaple(this.identity.leaf)
    const told = `${problem.code} ${problem.data.rule}`
    if (told === this.#told || (problem.code === 'STAPLE_MISSING' && !isNeeded)) return
    this.#told = told
    this.#source.problem(problem)
  }
}

/** What is wrong with the staple itself, or with this service's memory; anything else says why none came. */
const OWN: ReadonlySet<unknown> = new Set<MeshError['code']>(['STAPLE_REFUSED', 'MEMORY_UNWRITABLE'])
