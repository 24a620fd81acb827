import type { Disk } from './disk/disk.ts'
import { AuthorityError } from './error.ts'

/**
 * The files that this process has open for as long as it acts. Whoever removes or replaces one takes nothing from us, and what
 * we write from then on nobody finds again; the lock keeps nobody away any more either.
 */
export class OpenedFiles {
  readonly #disk: Pick<Disk, 'identityOf'>
  readonly #identities = new Map<string, string | undefined>()

  constructor(disk: Pick<Disk, 'identityOf'>) {
    this.#disk = disk
  }

  /**
   * @param path of one that was just opened
   * @throws AuthorityError `DISK_FAILED`
   */
  add(path: string): void {
    this.#identities.set(path, this.#disk.identityOf(path))
  }

  /** @throws AuthorityError `STATE_REPLACED` where one is gone, or another lies in its place; `DISK_FAILED` */
  check(): void {
    for (const [path, identity] of this.#identities) {
      const found = this.#disk.identityOf(path)
      if (found !== identity) throw replaced(path, found)
    }
  }

  /** What `check` refuses; undefined where all are in their places. */
  get refusal(): AuthorityError | undefined {
    try {
      this.check()
    } catch (error) {
      if (error instanceof AuthorityError) return error
      throw error
    }
    return undefined
  }
}

function replaced(path: string, found: string | undefined): AuthorityError {
  const what = found === undefined ? 'no file any more' : 'another file'
  return new AuthorityError(
    'STATE_REPLACED',
    `found at ${path} ${what}, and not the one that this mtls has opened; allowed: the same for as long as it runs. Nothing was changed. End it, put the newest state folder back or run \`mtls restore FILE --replace\`, then start it again`,
    { data: { path } },
  )
}
