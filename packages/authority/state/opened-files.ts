import type { Disk } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'

const PUT_BACK =
  'End it, put the newest state folder back or run `mtls restore FILE --replace`, then start it again'

/** Of a file whose contents this process has too, and writes into another when it ends. */
export const WRITE_BACK = 'End it, and not by SIGKILL: it writes back what was in there. Then start it again'

/**
 * The files that this process has open for as long as it acts. Whoever removes or replaces one takes nothing from us, and what
 * we write from then on nobody finds again; the lock keeps nobody away any more either.
 */
export class OpenedFiles {
  readonly #disk: Pick<Disk, 'identityOf'>
  readonly #files = new Map<string, { readonly identity: string | undefined; readonly repair: string }>()

  constructor(disk: Pick<Disk, 'identityOf'>) {
    this.#disk = disk
  }

  /**
   * @param path of one that was just opened
   * @param repair what to do where it is gone
   * @throws AuthorityError `DISK_FAILED`
   */
  add(path: string, repair: string = PUT_BACK): void {
    this.#files.set(path, { identity: this.#disk.identityOf(path), repair })
  }

  /** @throws AuthorityError `STATE_REPLACED` where one is gone, or another lies in its place; `DISK_FAILED` */
  check(): void {
    for (const [path, { identity, repair }] of this.#files) {
      const found = this.#disk.identityOf(path)
      if (found !== identity) throw replaced({ path, found, repair })
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

interface Replaced {
  readonly path: string
  readonly found: string | undefined
  readonly repair: string
}

function replaced({ path, found, repair }: Replaced): AuthorityError {
  const what = found === undefined ? 'no file any more' : 'another file'
  return new AuthorityError(
    'STATE_REPLACED',
    `found at ${path} ${what}, and not the one that this mtls has opened; allowed: the same for as long as it runs. Nothing was changed. ${repair}`,
    { data: { path } },
  )
}
