import type { CheckpointLock, LogStore } from '../log-store.ts'
import { CHECKPOINT_PATH } from '../sequencer.ts'

/** What a process asks of its disk, in the order of a round. */
export const steps = ['receipt', 'stage', 'swap', 'tiles', 'checkpoint', 'unstage'] as const

/** Those of a round, and what opening a log asks beside them. */
export type Step = (typeof steps)[number] | 'locked' | 'read' | 'list'

/** What goes wrong: how much of the call has its effect, and whether the process then has an error or its end. */
export interface Fault {
  readonly effect: 'none' | 'part' | 'all'
  readonly end: 'error' | 'death'
}

/** What is left of a log when its process is gone. */
export class MemoryDisk {
  readonly objects = new Map<string, Buffer>()
  readonly receipts = new Map<string, Uint8Array>()
  locked: Buffer | undefined
  /** Every checkpoint that was ever locked or there to be read, in order. */
  readonly seen: Buffer[] = []
  /** Every path that was ever written to. */
  readonly paths = new Set<string>()
}

/** A process with a log's disk, whose calls can fail each way. */
export class MemoryProcess implements LogStore, CheckpointLock {
  readonly #disk: MemoryDisk
  readonly #faultAt: (step: Step) => Fault | undefined
  readonly #death = Promise.withResolvers<void>()
  #isDead = false

  constructor(disk: MemoryDisk, faultAt: (step: Step) => Fault | undefined = () => undefined) {
    this.#disk = disk
    this.#faultAt = faultAt
  }

  /** Resolves when a fault ends it. None of its calls returns from then on. */
  get death(): Promise<void> {
    return this.#death.promise
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return this.#call('read', () => this.#disk.objects.get(path))
  }

  write(objects: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const [first = ''] = objects.keys()
    const step = first.startsWith('staging/') ? 'stage' : first === CHECKPOINT_PATH ? 'checkpoint' : 'tiles'
    return this.#call(step, (effect) => {
      // Any of several may be there: here every other one.
      for (const [at, [path, octets]] of [...objects].entries())
        if (effect === 'all' || at % 2 === 0) this.#put(path, octets)
    })
  }

  remove(path: string): Promise<void> {
    return this.#call('unstage', () => void this.#disk.objects.delete(path))
  }

  list(folder: string): Promise<readonly string[]> {
    return this.#call('list', () =>
      [...this.#disk.objects.keys()].filter((path) => path.startsWith(`${folder}/`)),
    )
  }

  checkpoint(): Promise<Uint8Array | undefined> {
    return this.#call('locked', () => this.#disk.locked)
  }

  receipt(key: string): Promise<Uint8Array | undefined> {
    return this.#call('receipt', () => this.#disk.receipts.get(key))
  }

  replace({ expected, next, receipts }: Parameters<CheckpointLock['replace']>[0]): Promise<boolean> {
    return this.#call('swap', () => {
      const { locked } = this.#disk
      if (Buffer.compare(locked ?? Buffer.alloc(0), expected ?? Buffer.alloc(0)) !== 0) return false
      this.#disk.locked = Buffer.from(next)
      this.#disk.seen.push(this.#disk.locked)
      for (const [key, receipt] of receipts) {
        if (this.#disk.receipts.has(key)) throw new Error('a receipt can not be given twice')
        this.#disk.receipts.set(key, receipt)
      }
      return true
    })
  }

  #put(path: string, octets: Uint8Array): void {
    this.#disk.objects.set(path, Buffer.from(octets))
    this.#disk.paths.add(path)
    if (path === CHECKPOINT_PATH) this.#disk.seen.push(Buffer.from(octets))
  }

  async #call<Result>(step: Step, deed: (effect: Fault['effect']) => Result): Promise<Result> {
    if (this.#isDead) return new Promise(() => {})
    const fault = this.#faultAt(step)
    if (fault === undefined) return deed('all')
    if (fault.effect !== 'none') deed(fault.effect)
    if (fault.end === 'error') throw new Error(`${step} fails on purpose`)
    this.#isDead = true
    this.#death.resolve()
    return new Promise(() => {})
  }
}
