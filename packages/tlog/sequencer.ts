import type { Candidate } from './candidate.ts'
import type { Checkpoint } from './checkpoint.ts'
import { growTree, type TreeEdge } from './grow-tree.ts'
import type { CheckpointLock, LogStore } from './log-store.ts'
import { readEdge } from './read-edge.ts'
import { dataTiles, objectsOf } from './round-objects.ts'
import { type LogSigner, openCheckpoint, type SignedCheckpoint, signCheckpoint } from './signed-checkpoint.ts'
import { decodeRound, encodeRound, MAX_OBJECTS } from './staged-round.ts'
import { TILE_WIDTH } from './tile.ts'
import { dataTilePath, partialFolders, tilePath } from './tile-path.ts'
import { TlogError } from './tlog-error.ts'
import { EMPTY_ROOT, hashLeaf } from './tree-hash.ts'
import { isWholeAt } from './whole-data.ts'

export interface SequencerOptions {
  readonly store: LogStore
  readonly lock: CheckpointLock
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** The log's name in its checkpoints. */
  readonly origin: string
  readonly signer: LogSigner
  /** The hashes of the leaves of a data tile: what is read is held against the tree. */
  readonly leavesOf: (records: Uint8Array) => readonly Uint8Array[]
  /** Most that may wait for their round. */
  readonly poolSize?: number
}

/** The path of the newest signed checkpoint (C2SP tlog-tiles). */
export const CHECKPOINT_PATH = 'checkpoint'

const STAGING = 'staging'

/** Nothing is in it before the first checkpoint is locked. */
const FIRST_TILES = 'tile/0'

/** Of a round: more would hold up the first of them for longer than the disk does. */
const MAX_ROUND = 1024

/** Of a round; the other half is far more than it has tiles. */
const MAX_ATTACHMENTS = MAX_OBJECTS / 2

const POOL_SIZE = 4096

interface Waiting {
  readonly candidate: Candidate
  readonly resolve: (receipt: Uint8Array) => void
  readonly reject: (error: unknown) => void
}

export interface PublishedCheckpoint extends SignedCheckpoint {
  /** The note, as it is served. */
  readonly signed: Uint8Array
}

interface State {
  readonly edge: TreeEdge
  /** Octets of the last data tile, where it is a partial one. */
  readonly records: Uint8Array
  /** Undefined before the first round. */
  readonly checkpoint: PublishedCheckpoint | undefined
}

/**
 * Gives each entry its place, once, and answers when it is there for everybody to see: nothing is merged later.
 *
 * Whatever arrives while a round is on the disk shares the next one; there is no timer. A round that fails leaves a broken
 * sequencer, of which nobody knows what it wrote: opening another one finds out.
 *
 * One process at a time has a log open. Where two have, the lock lets only one go on, and its data may stay behind.
 */
export class Sequencer {
  readonly #options: SequencerOptions
  #state: State
  /** By key, so that two of the same in one round are one entry. */
  #pool = new Map<string, Waiting[]>()
  #waiting = 0
  #running: Promise<void> | undefined
  #failure: TlogError | undefined

  private constructor(options: SequencerOptions, state: State) {
    this.#options = options
    this.#state = state
  }

  /**
   * Goes on after the locked checkpoint. Where the process ended between the lock of a round and its publication, that round is
   * published now, by the same code as every other. Where only the published checkpoint is gone or empty, and all of its data are
   * there, it is written again.
   *
   * @throws TlogError `DATA_BEHIND_LOCK` where the data are older than the checkpoint that was signed last, `LOCK_LOST` where
   *   there are data without one; what the store and the lock throw
   */
  static async open(options: SequencerOptions): Promise<Sequencer> {
    const { store, lock, origin, signer, leavesOf } = options
    const locked = await lock.checkpoint()
    const published = await store.read(CHECKPOINT_PATH)
    if (locked === undefined && (published !== undefined || (await store.list(FIRST_TILES)).length > 0))
      throw lockLost(published)
    if (locked !== undefined) {
      const checkpoint = openCheckpoint(locked, { origin, spki: signer.spki })
      if (published === undefined || Buffer.compare(published, locked) !== 0) {
        const staged = await store.read(stagedPath(checkpoint))
        if (staged !== undefined) await publish(store, decodeRound(staged), locked)
        // Another one that is there may be a later one, or contradict it.
        else if (!published?.length && (await isWholeAt(checkpoint, store, leavesOf)))
          await publishCheckpoint(store, locked)
        else throw dataBehindLock(checkpoint, published)
      }
    }
    for (const path of await store.list(STAGING)) await store.remove(path)
    return new Sequencer(options, await readState(options, locked))
  }

  /** The newest published one, signed; undefined while the log is empty. */
  get checkpoint(): PublishedCheckpoint | undefined {
    return this.#state.checkpoint
  }

  /** Why it takes nothing any more; another has to be opened. */
  get failure(): TlogError | undefined {
    return this.#failure
  }

  /**
   * @returns the entry's receipt, once everybody can see the entry; of what was logged before, the first one
   * @throws TlogError `POOL_FULL` when too many wait, `ROUND_FAILED` when it may be logged or not: submit it again
   */
  async add(candidate: Candidate): Promise<Uint8Array> {
    if (this.#failure !== undefined) throw this.#failure
    const known = await this.#options.lock.receipt(candidate.key)
    if (known !== undefined) return known
    if (this.#failure !== undefined) throw this.#failure
    if (this.#waiting >= (this.#options.poolSize ?? POOL_SIZE)) throw poolFull(this.#waiting)
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    const same = this.#pool.get(candidate.key)
    if (same === undefined) this.#pool.set(candidate.key, [{ candidate, resolve, reject }])
    else same.push({ candidate, resolve, reject })
    this.#waiting++
    this.#running ??= this.#run()
    return promise
  }

  async #run(): Promise<void> {
    // Whoever adds several in one go has them in one round.
    await Promise.resolve()
    while (this.#pool.size > 0) {
      const round = this.#nextRound()
      try {
        const receipts = await this.#sequence(round.map(([, [first]]) => first!.candidate))
        for (const [key, waiting] of round) for (const { resolve } of waiting) resolve(receipts.get(key)!)
      } catch (cause) {
        this.#fail(cause, [...round, ...this.#pool])
      }
    }
    this.#running = undefined
  }

  /** Takes out of the pool who came first, as many as one round holds. */
  #nextRound(): [string, Waiting[]][] {
    const round: [string, Waiting[]][] = []
    let attachments = 0
    for (const [key, waiting] of this.#pool) {
      attachments += waiting[0]!.candidate.attachments.size
      if (round.length > 0 && (round.length === MAX_ROUND || attachments > MAX_ATTACHMENTS)) break
      round.push([key, waiting])
      this.#pool.delete(key)
      this.#waiting -= waiting.length
    }
    return round
  }

  #fail(cause: unknown, waiting: Iterable<readonly [string, readonly Waiting[]]>): void {
    this.#failure = new TlogError('ROUND_FAILED', 'a round of the log could not be written', { cause })
    this.#pool = new Map()
    this.#waiting = 0
    for (const [, each] of waiting) for (const { reject } of each) reject(this.#failure)
  }

  /** One round. @returns the receipts, by key */
  async #sequence(candidates: readonly Candidate[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const { store, lock, clock, origin, signer } = this.#options
    const { edge, records, checkpoint } = this.#state

    // 1 Each gets its place; the log's time never goes back. Somebody may have logged the same since it was asked for.
    const timestamp = Math.max(clock(), checkpoint?.timestamp ?? 0)
    const receipts = new Map<string, Uint8Array>()
    const fresh: Candidate[] = []
    for (const candidate of candidates) {
      const known = await lock.receipt(candidate.key)
      if (known === undefined) fresh.push(candidate)
      else receipts.set(candidate.key, known)
    }
    if (fresh.length === 0) return receipts
    const entries = await Promise.all(
      fresh.map((candidate, at) => candidate.entryAt(edge.tree.size + at, timestamp)),
    )

    // 2 The tree grows by them, in memory; the checkpoint over it is signed, and nobody has seen it.
    const grown = growTree(
      edge,
      entries.map(({ leaf }) => hashLeaf(leaf)),
    )
    const data = dataTiles(edge.tree.size, records, entries)
    const next = { origin, size: grown.size, root: grown.root, timestamp }
    const signed = await signCheckpoint(next, signer)

    // 3 Everything that the checkpoint speaks of is on disk, in one object that nobody else reads.
    const objects = objectsOf(grown, data, fresh)
    await store.write(new Map([[stagedPath(next), encodeRound(objects)]]))

    // 4 From here on this is the log: if it all ends now, `open` publishes what was staged.
    const fixed = new Map(fresh.map(({ key }, at) => [key, entries[at]!.receipt]))
    if (!(await lock.replace({ expected: checkpoint?.signed, next: signed, receipts: fixed })))
      throw new TlogError('LOCK_TAKEN', 'somebody else has written to this log since it was opened')

    // 5 Everybody can see it: the tiles first, and then the checkpoint that needs them.
    await publish(store, objects, signed)
    this.#state = { edge: grown.edge, records: data.rest, checkpoint: { ...next, signed } }

    // 6 What was staged is of no use any more; nor are partial tiles that a full one has long replaced. Whoever waited has
    //   their answer.
    await store.remove(stagedPath(next))
    await removePartials(store, edge.tree.size, grown.size)
    for (const [key, receipt] of fixed) receipts.set(key, receipt)
    return receipts
  }
}

async function publish(
  store: LogStore,
  objects: ReadonlyMap<string, Uint8Array>,
  checkpoint: Uint8Array,
): Promise<void> {
  await store.write(objects)
  await publishCheckpoint(store, checkpoint)
}

async function publishCheckpoint(store: LogStore, checkpoint: Uint8Array): Promise<void> {
  await store.write(new Map([[CHECKPOINT_PATH, checkpoint]]))
}

/**
 * Partial tiles may go once the full one is there (C2SP tlog-tiles, "Partial Tiles"). They go when the next tile is full too, so that
 * whoever reads by a checkpoint of a moment ago finds all of it. What can't be removed is in nobody's way.
 */
async function removePartials(store: LogStore, before: number, size: number): Promise<void> {
  for (let level = 0, span = TILE_WIDTH; span <= size; level++, span *= TILE_WIDTH) {
    const full = Math.floor(size / span)
    for (let index = Math.max(1, Math.floor(before / span)); index < full; index++)
      for (const folder of partialFolders({ level, index: index - 1 }))
        for (const path of await store.list(folder).catch(() => [])) await store.remove(path).catch(() => {})
  }
}

function stagedPath({ size, root }: Pick<Checkpoint, 'size' | 'root'>): string {
  return `${STAGING}/${size}-${Buffer.from(root).toString('hex')}`
}

/** What is in memory of a log: its right edge. What is read is held against the checkpoint. */
async function readState(
  { store, origin, signer, leavesOf }: SequencerOptions,
  signed: Uint8Array | undefined,
): Promise<State> {
  const read = async (path: string) => {
    const octets = await store.read(path)
    if (octets === undefined)
      throw new TlogError('TILE_MISSING', `found no ${path} in the log`, { data: { path } })
    return octets
  }
  const checkpoint = signed && { ...openCheckpoint(signed, { origin, spki: signer.spki }), signed }
  const { size, root } = checkpoint ?? { size: 0, root: EMPTY_ROOT }
  const edge = await readEdge({ size, root }, (tile) => read(tilePath(tile)))
  const width = size % TILE_WIDTH
  const records =
    width === 0 ? new Uint8Array() : await read(dataTilePath(Math.floor(size / TILE_WIDTH), width))
  if (Buffer.compare(Buffer.concat(leavesOf(records)), edge.partials[0] ?? new Uint8Array()) !== 0)
    throw new TlogError('TILE_WRONG', 'found entries that are not those of the tree', { data: { size } })
  return { edge, records, checkpoint }
}

function poolFull(waiting: number): TlogError {
  return new TlogError('POOL_FULL', `${waiting} entries wait to be logged: try again later`, {
    data: { waiting },
  })
}

function lockLost(published: Uint8Array | undefined): TlogError {
  return new TlogError(
    'LOCK_LOST',
    `found the data of a log of ${sizeIn(published) ?? 'some'} entries, and no record of the checkpoint that it signed last`,
  )
}

function dataBehindLock({ size }: Checkpoint, published: Uint8Array | undefined): TlogError {
  return new TlogError(
    'DATA_BEHIND_LOCK',
    `found the data of ${sizeIn(published) ?? 'no'} entries, and a checkpoint that was signed over ${size}`,
    { data: { size } },
  )
}

/** As it says: nobody has checked it. */
function sizeIn(checkpoint: Uint8Array | undefined): string | undefined {
  return checkpoint && Buffer.from(checkpoint).toString('utf8').split('\n')[1]
}
