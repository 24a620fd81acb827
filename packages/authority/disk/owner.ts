import { AuthorityError } from '../error.ts'
import type { Disk } from './disk.ts'
import type { Owner } from './numeric-owner.ts'

export interface OwnerNames {
  /** Name or number; absent leaves the user that runs this process. */
  readonly owner: string | undefined
  /** Name or number; absent is the owner's own group. */
  readonly group: string | undefined
}

/** A name database of a large site; more is not read. */
const MAX_BYTES = 16 * 1024 * 1024

/**
 * Numbers for the user and group that a config names, from /etc/passwd and /etc/group (passwd(5), group(5)).
 *
 * Users of a directory service don't stand there; numbers are always taken as they are.
 */
export class OwnerBook {
  readonly #disk: Disk
  readonly #passwd: string
  readonly #group: string

  constructor(
    disk: Disk,
    files: { passwd: string; group: string } = { passwd: '/etc/passwd', group: '/etc/group' },
  ) {
    this.#disk = disk
    this.#passwd = files.passwd
    this.#group = files.group
  }

  /**
   * @returns undefined when neither is named
   * @throws AuthorityError `OWNER_UNKNOWN`
   */
  find({ owner, group }: OwnerNames): Owner | undefined {
    if (owner === undefined && group === undefined) return undefined
    const user = owner === undefined ? { uid: -1, gid: -1 } : this.#user(owner)
    return group === undefined ? user : { uid: user.uid, gid: this.#groupNumber(group) }
  }

  #user(name: string): Owner {
    const id = numberOf(name)
    const line = this.#lines(this.#passwd).find((fields) =>
      id === undefined ? fields[0] === name : fields[2] === name,
    )
    if (line !== undefined) return { uid: Number(line[2]), gid: Number(line[3]) }
    if (id === undefined) throw unknownOwner('user', name, this.#passwd)
    return { uid: id, gid: -1 }
  }

  #groupNumber(name: string): number {
    const id = numberOf(name)
    if (id !== undefined) return id
    const line = this.#lines(this.#group).find((fields) => fields[0] === name)
    if (line === undefined) throw unknownOwner('group', name, this.#group)
    return Number(line[2])
  }

  #lines(file: string): string[][] {
    const bytes = this.#disk.readChecked(file, { maxBytes: MAX_BYTES })
    return Buffer.from(bytes ?? [])
      .toString()
      .split('\n')
      .map((line) => line.split(':'))
      .filter(([name, , id]) => name !== '' && id !== undefined && numberOf(id) !== undefined)
  }
}

/** User numbers are 32 bits, the highest one means "none" (chown(2)). */
function numberOf(name: string): number | undefined {
  const number = /^(0|[1-9][0-9]{0,9})$/.test(name) ? Number(name) : Number.NaN
  return number < 0xffffffff ? number : undefined
}

function unknownOwner(kind: string, name: string, file: string): AuthorityError {
  return new AuthorityError(
    'OWNER_UNKNOWN',
    `there is no ${kind} ${name} in ${file}. Create it, correct the name in the config, or give its number there`,
    { data: { kind, name, file } },
  )
}
