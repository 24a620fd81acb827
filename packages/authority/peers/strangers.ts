import type { Socket } from 'node:net'
import { shareOfFiles } from './open-files.ts'

/** Who connects and does not say who he is, is let go. Milliseconds. */
const PATIENCE = 10_000

/** What it takes to say so, and more: sooner than that nobody makes room for whoever came after him. Milliseconds. */
const GRACE = 1_000

/** Thousands of peers that come back together are strangers for a moment. */
const MOST = 4_096

/** Where this process may open as few files as that, or it can't be told. */
const FEWEST = 256

/**
 * Connections of whom nobody knows who they are. There is a time for each and a number for all, so that whoever may connect, and
 * that is everybody, can't use up what the known ones and the authority itself need: files, above all.
 *
 * Where there are too many, the oldest makes room. Where even that one has just come, the new one has to come again: a crowd
 * that comes together is let in one after the other, and each that is in has the time to say who he is.
 */
export class Strangers {
  readonly #clock: () => number
  readonly #most: number
  /** The oldest first. */
  readonly #all = new Map<Socket, { readonly since: number; timer: NodeJS.Timeout }>()

  /** @param most default: a quarter of the files that this process may open */
  constructor(clock: () => number, most = shareOfFiles(1 / 4, { fewest: FEWEST, most: MOST })) {
    this.#clock = clock
    this.#most = most
  }

  get size(): number {
    return this.#all.size
  }

  /** One that has to say who it is from now on; it may have been known, or been asked before. */
  enter(socket: Socket): void {
    this.#forget(socket)
    if (socket.destroyed) return
    if (this.#all.size >= this.#most && !this.#makeRoom()) {
      socket.destroy()
      return
    }
    const timer = setTimeout(() => socket.destroy(), PATIENCE).unref()
    this.#all.set(socket, { since: this.#clock(), timer })
    socket.once('close', () => this.#forget(socket))
  }

  /** It has asked for what everybody may have, and may take its time to read that; it stays a stranger. */
  served(socket: Socket): void {
    clearTimeout(this.#all.get(socket)?.timer)
  }

  /** It has said who it is. */
  known(socket: Socket): void {
    this.#forget(socket)
  }

  #makeRoom(): boolean {
    const [oldest] = this.#all
    if (oldest === undefined || this.#clock() - oldest[1].since < GRACE) return false
    const [socket] = oldest
    this.#forget(socket)
    socket.destroy()
    return true
  }

  #forget(socket: Socket): void {
    clearTimeout(this.#all.get(socket)?.timer)
    this.#all.delete(socket)
  }
}
