import { compareDocumentNumbers } from '@datapunk/protocol'
import type { Reader } from '../packages/authority/store/contract.ts'
import type { Backup, StateCopy } from './authority-state.ts'
import type { SimulatedAuthority } from './simulated-authority.ts'
import type { World } from './world.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

export interface RestoreWatch {
  /** What the authority has is older than what it had published; `whole`: and so are the files that it publishes. */
  fellBehind(whole: boolean): void
  /** It goes on, as the newest. @param whole as `fellBehind` */
  wentOn(whole: boolean): void
  trace(line: string): void
}

/** Backups, lost disks, and folders that somebody has copied and put back. */
export class Restores {
  readonly #world: World
  readonly #authority: SimulatedAuthority
  /** How long it takes until somebody has seen to it, at most. Milliseconds. */
  readonly #longest: number
  readonly #watch: RestoreWatch
  #backup: Backup | undefined
  readonly #copies = new Map<string, StateCopy>()
  #isBehind = false

  constructor(world: World, authority: SimulatedAuthority, longest: number, watch: RestoreWatch) {
    this.#world = world
    this.#authority = authority
    this.#longest = longest
    this.#watch = watch
  }

  /** Now and then both a backup is made and a folder is copied. */
  async copy(): Promise<void> {
    const { layout, state, store } = this.#authority
    if (!this.#mayBegin || store.bundle() === undefined) return
    this.#backup = (await this.#authority.backUp()) ?? this.#backup
    const path = this.#world.draw.one([layout.authority.dir, layout.state])
    if (this.#mayBegin) this.#copies.set(path, state.copy(path))
  }

  /** The authority's folder is lost, in some cases with the files that it publishes, and restored from the last backup. */
  async lose(): Promise<void> {
    const { layout, logs, state, config } = this.#authority
    const { draw } = this.#world
    if (!this.#mayBegin || this.#backup === undefined) return
    const withFiles = draw.chance(0.3)
    this.#watch.trace(`authority: its disk is lost${withFiles ? ', and what it has published' : ''}`)
    this.#authority.kill()
    const before = state.copy(layout.state)
    if (withFiles) {
      state.disk().removeFolder(layout.mesh.trustDir)
      state.disk().remove(layout.mesh.head)
    } else await logs.writeFiles(state.disk(), layout)
    try {
      await state.restore(this.#backup, config)
      this.#watch.fellBehind(withFiles)
      this.#watch.wentOn(withFiles)
    } catch (error) {
      this.#watch.trace(`authority: not restored, so the disk was not lost: ${(error as Error).message}`)
      state.putBack(before)
    }
    this.#world.after(draw.scale(SECOND, this.#longest), () => this.#start())
    this.#world.after(HOUR, () => this.#letIn())
  }

  /** A folder is put back as it was; whoever did it goes on from there later, where a peer does not stop it before. */
  putBack(): void {
    const { layout, state, store } = this.#authority
    const { draw } = this.#world
    if (!this.#mayBegin || this.#copies.size === 0) return
    const older = draw.one([...this.#copies.values()])
    // Of what was restored since only peers could tell, and there may be nobody to.
    const isOfThisGeneration = older.rows.mesh()?.generation === store.mesh()?.generation
    if (older.path === layout.state && !isOfThisGeneration) return
    // Nothing was published since: it is the newest.
    if (isSameBundle(older.rows, store)) return
    const newest = state.copy(older.path)
    this.#watch.trace(`authority: ${older.path} is put back`)
    this.#authority.kill()
    state.putBack(older)
    this.#isBehind = true
    this.#watch.fellBehind(older.path === this.#authority.layout.state)
    this.#world.after(draw.scale(SECOND, MINUTE), () => this.#start())
    this.#world.after(draw.scale(2 * MINUTE, this.#longest), () => this.#goOn(newest))
  }

  get #mayBegin(): boolean {
    const { isUp, isDiskFull, isDoomed } = this.#authority
    return isUp && !isDiskFull && !isDoomed && !this.#isBehind
  }

  #start(): void {
    this.#authority.machine.restart(false)
    this.#authority.start()
  }

  async #goOn(newest: StateCopy): Promise<void> {
    const authority = this.#authority
    const isWhole = newest.path === authority.layout.state
    if (!authority.isUp || authority.isDiskFull) {
      this.#world.after(HOUR, () => this.#goOn(newest))
      return
    }
    // What is doomed, and halted, does nothing that it could die of but this.
    if (await authority.continueFromHere()) {
      this.#watch.trace('operator: restore --continue')
      this.#isBehind = false
      this.#watch.wentOn(isWhole)
      return this.#letIn()
    }
    this.#watch.trace(`operator: restore --continue is refused: ${authority.problem?.message}`)
    if (authority.isUp) {
      // Ended by hand, it dies of nothing else any more.
      authority.whenDead = undefined
      authority.kill()
      authority.state.putBack(newest)
      this.#start()
      // While the files were newer nothing was signed, so that is all.
      if (!isWhole) {
        this.#isBehind = false
        this.#watch.wentOn(isWhole)
        return
      }
    }
    this.#world.after(MINUTE, () => this.#goOn(newest))
  }

  /** A restore names whom it has barred, because what it can see of them was revoked; the operator knows better. */
  async #letIn(): Promise<void> {
    const { isUp, isDiskFull } = this.#authority
    if (!isUp || isDiskFull || !(await this.#authority.letBarredIn()))
      this.#world.after(HOUR, () => this.#letIn())
  }
}

function isSameBundle(one: Pick<Reader, 'bundle'>, other: Pick<Reader, 'bundle'>): boolean {
  return compareDocumentNumbers(one.bundle()!, other.bundle()!) === 0
}
