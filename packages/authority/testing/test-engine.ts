import * as fs from 'node:fs'
import { join } from 'node:path'
import { generateKeyPair } from '@datapunk/pki'
import { layoutOf, parseConfig } from '@datapunk/protocol'
import { FixedClock, seededRandom, TestLogs } from '@datapunk/testkit'
import { deliver } from '../delivery/deliver.ts'
import { Disk } from '../disk/disk.ts'
import type { DiskCalls } from '../disk/disk-steps.ts'
import { OwnerBook } from '../disk/owner.ts'
import type { Engine } from '../engine/engine.ts'
import { checkHalt, Halt } from '../engine/halt.ts'
import { PeerBook } from '../engine/peer-book.ts'
import type { AuthorityEvent } from '../events/event.ts'
import { KeyStore } from '../keys/key-store.ts'
import { Passphrase } from '../keys/passphrase.ts'
import { OwnPair } from '../peers/own-pair.ts'
import { LogSeat } from '../scts/log-seat.ts'
import type { Store } from '../store/contract.ts'
import { KeptStore } from '../store/kept-store.ts'
import { type Fate, MemoryStore } from '../store/memory.ts'

/** What pulling the plug looks like from inside: this call is not made, and no later one either. */
export class Unplugged extends Error {
  override readonly name = 'Unplugged'
}

/** The calls that answer later. */
const waiting = new Set(['fsync', 'rmdir', 'unlink'])

/** What a power cut leaves is tried on a simulated disk: here a sync is a step like any other, and none is waited for. */
const withoutSyncs = {
  ...fs,
  fsyncSync: () => {},
  fsync: (_fd: number, told: fs.NoParamCallback) => setImmediate(told, null),
}

/** Counts every call to the disk and every commit, and pulls the plug, or fails one of them, at a given one. */
export class Plug {
  #step = 0
  #at = Number.POSITIVE_INFINITY
  #failOnce: string | undefined
  #applies = false

  get steps(): number {
    return this.#step
  }

  reset(): void {
    this.#step = 0
    this.#at = Number.POSITIVE_INFINITY
    this.#failOnce = undefined
    this.#applies = false
  }

  /** @param at the first step that is not taken, counted from 1 */
  pullAt(at: number): void {
    this.reset()
    this.#at = at
  }

  /** Only this step fails, as a full or read-only disk makes it fail. */
  failAt(at: number, errno: string): void {
    this.pullAt(at)
    this.#failOnce = errno
  }

  /** Only this step fails, and yet what it was to do is done: the answer of the disk was lost. */
  failAppliedAt(at: number, errno: string): void {
    this.failAt(at, errno)
    this.#applies = true
  }

  /** Takes a step of the disk. */
  step<Result>(act: () => Result): Result {
    this.#step++
    if (this.#failOnce === undefined) {
      if (this.#step >= this.#at) throw new Unplugged()
      return act()
    }
    if (this.#step !== this.#at) return act()
    if (this.#applies) act()
    throw Object.assign(new Error(this.#failOnce), { code: this.#failOnce, syscall: 'test' })
  }

  /** Takes a step of the store. */
  commit(): Fate {
    this.#step++
    const isHere = this.#failOnce === undefined ? this.#step >= this.#at : this.#step === this.#at
    if (!isHere) return 'kept'
    return this.#applies ? 'kept-but-failed' : 'lost'
  }

  calls(): DiskCalls {
    const calls: Record<string, unknown> = {}
    for (const [name, call] of Object.entries(withoutSyncs)) {
      if (typeof call !== 'function' || !(name.endsWith('Sync') || waiting.has(name))) continue
      calls[name] = (...args: unknown[]) =>
        this.step(() => (call as (...args: unknown[]) => unknown)(...args))
    }
    return calls as unknown as DiskCalls
  }
}

export interface TestEngineOptions {
  /** Folder of everything; must be there. */
  readonly dir: string
  /** The config, as JSON; paths are put into `dir`. */
  readonly config: Readonly<Record<string, unknown>>
  readonly store?: Store
  readonly plug?: Plug
  readonly clock?: FixedClock
}

// No two engines draw the same serials, as no two processes do.
let engines = 0

/** An engine that is started again over the same inventory finds the same log. */
const logs = new TestLogs()

/** An engine in a folder of its own: memory store, keys in clear (scrypt is slow on purpose), a clock that stands. */
export function testEngine(options: TestEngineOptions): Engine & { readonly events: AuthorityEvent[] } {
  const { dir, plug = new Plug(), clock = new FixedClock(Date.UTC(2026, 5, 1)) } = options
  const text = { authority: { store_ca_keys_in_clear: true }, certificates: { key_algorithm: 'ecdsa-p256' } }
  const config = parseConfig(JSON.stringify({ ...text, ...options.config }), {
    file: join(dir, 'mtls-config.yaml'),
  })
  const layout = layoutOf(config)
  const disk = new Disk({ calls: plug.calls() })
  const randomBytes = seededRandom(`engine ${++engines}`)
  const events: AuthorityEvent[] = []
  const store = options.store ?? new KeptStore(new MemoryStore({ commit: () => plug.commit() }))
  const halting = new Halt()
  return {
    config,
    layout,
    disk,
    owners: new OwnerBook(disk),
    store,
    keys: new KeyStore({
      disk,
      folder: layout.authority.keys,
      rootKey: config.paths.caKey,
      passphrase: () => new Passphrase(Buffer.from('test')),
      storeInClear: true,
      randomBytes,
      checkMaySign: () => checkHalt({ store, halting }),
    }),
    clock: () => clock.now(),
    randomBytes,
    makeKeyPair: generateKeyPair,
    halting,
    peers: new PeerBook(() => clock.now()),
    ownPair: new OwnPair(),
    logSeat: new LogSeat(logs.opener(() => clock.now())),
    push: () => {},
    staple: async () => undefined,
    tellService: async () => {},
    deliver,
    actor: 'test',
    report: (event) => events.push(event),
    events,
  }
}

/** The same with its keys encrypted. */
export function sealing(engine: Engine, passphrase = 'test passphrase'): Engine {
  const { disk, layout, config, randomBytes } = engine
  const keys = new KeyStore({
    ...{ disk, randomBytes, folder: layout.authority.keys, rootKey: config.paths.caKey, storeInClear: false },
    passphrase: () => new Passphrase(Buffer.from(passphrase)),
    cost: { N: 2 ** 10, r: 8, p: 1 },
  })
  return { ...engine, keys }
}
