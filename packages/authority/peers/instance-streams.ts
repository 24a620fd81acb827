import { shareOfFiles } from './open-files.ts'

/** A stream of which is known who speaks. */
export interface KnownStream {
  readonly instance: string
  /** The process at its other end, as it named itself; undefined until it has said who it is. */
  readonly peer: string | undefined
  /** It speaks by a certificate that is good now, for a member. */
  readonly isMember: boolean
}

/** More processes than share one pair, and so few that one stolen pair does not use up the files of the authority. */
const MOST = { fewest: 32, most: 256 }

/** Of those whose certificate is revoked or has ended, or whose service is a member no more: they are told, and no more than that. */
const MOST_OF_NO_MEMBER = 16

/**
 * The streams that are open, by instance: whoever holds its key, its thief too, has so many and no more. What was revoked takes no
 * room from what is good.
 */
export class InstanceStreams {
  readonly #most: number
  readonly #open = new Map<string, Set<KnownStream>>()

  /** @param most default: a sixteenth of the files that this process may open */
  constructor(most = shareOfFiles(1 / 16, MOST)) {
    this.#most = most
  }

  /** @returns undefined, or how many there may be, where those are open already */
  enter(stream: KnownStream): number | undefined {
    const open = this.#open.get(stream.instance) ?? new Set()
    const most = stream.isMember ? this.#most : MOST_OF_NO_MEMBER
    const alike = [...open].filter(({ isMember }) => isMember === stream.isMember)
    if (alike.length >= most) return most
    this.#open.set(stream.instance, open.add(stream))
    return undefined
  }

  /** @returns whether its process has another open: whoever comes again may do so before the end of its stream was seen */
  leave(stream: KnownStream): boolean {
    const open = this.#open.get(stream.instance)
    open?.delete(stream)
    if (open?.size === 0) this.#open.delete(stream.instance)
    return [...(open ?? [])].some(({ peer }) => peer === stream.peer)
  }
}
