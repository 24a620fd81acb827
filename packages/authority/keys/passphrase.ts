import { isAbsolute, join } from 'node:path'
import { inspect } from 'node:util'
import type { Disk } from '../disk/disk.ts'
import { isInside } from '../disk/is-inside.ts'
import { AuthorityError } from '../error.ts'

/** Longer ones are a wrong file. */
const MAX_BYTES = 4096
/** Of a new one, by NIST SP 800-63B 5.1.1.1. Whoever has a copy of the files counts his own guesses, and scrypt makes each of them dear. */
const LEAST_BYTES = 8
/** 256 random bits, where nobody gave one. */
const RANDOM_BYTES = 32
/** The name of the systemd credential (`LoadCredential=mtls-ca-passphrase:…`, systemd.exec(5)). */
const CREDENTIAL = 'mtls-ca-passphrase'
const VARIABLE = 'MTLS_CA_PASSPHRASE'

/** A passphrase that shows itself to nobody who prints, logs or serialises it. */
export class Passphrase {
  readonly #bytes: Uint8Array
  /** Where it came from, if that says nothing else to a process that goes on. */
  readonly fixedBy: string | undefined

  /**
   * Line ends after the last character are not part of it, whichever way it came.
   *
   * @param bytes are copied: whoever has them wipes them
   */
  constructor(bytes: Uint8Array, fixedBy?: string) {
    this.fixedBy = fixedBy
    let end = bytes.length
    while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--
    this.#bytes = new Uint8Array(bytes.subarray(0, end))
  }

  get isEmpty(): boolean {
    return this.#bytes.length === 0
  }

  get length(): number {
    return this.#bytes.length
  }

  /** For the key derivation only. */
  bytes(): Uint8Array {
    return this.#bytes
  }

  equals(other: Passphrase): boolean {
    return Buffer.compare(this.#bytes, other.#bytes) === 0
  }

  toJSON(): string {
    return 'hidden'
  }

  [inspect.custom](): string {
    return 'Passphrase(hidden)'
  }
}

export type PassphraseSource = 'file' | 'credential' | 'environment' | 'state'

export interface FoundPassphrase {
  readonly passphrase: Passphrase
  readonly source: PassphraseSource
  /** Whether it lies beside the keys, so that whoever has the state folder has both. */
  readonly unprotected: boolean
}

export interface PassphraseOptions {
  readonly disk: Disk
  /** `authority.passphrase_file`, absolute. */
  readonly passphraseFile: string | undefined
  /** `$MTLS_CA_PASSPHRASE` is removed from it, found or not used. */
  readonly environment: Record<string, string | undefined>
  /** Where one lies when nobody gave one: `layout.authority.passphrase`. */
  readonly stateFile: string
  /** The state folder, `layout.state`: a passphrase file in it protects nothing. */
  readonly state: string
  /** Makes a random one where none is given. Only for the first apply: without it there is nothing it could open. */
  readonly create?: ((length: number) => Uint8Array) | undefined
}

/**
 * The passphrase of the CA keys: from `authority.passphrase_file`, a systemd credential or `$MTLS_CA_PASSPHRASE`; from
 * the state folder, where the first apply put a random one, when none of them is given.
 *
 * @throws AuthorityError `PASSPHRASE_AMBIGUOUS` when several are given; `PASSPHRASE_MISSING` when none is, or it is
 *   empty; `PERMISSIONS` when others may read the file
 */
export function findPassphrase(options: PassphraseOptions): FoundPassphrase {
  const { disk, stateFile, state, passphraseFile, create } = options
  const given = givenPassphrases(options)
  if (given.length > 1) throw ambiguous(given.map(({ name }) => name))
  const beside = readPassphrase(disk, stateFile)
  const [only] = given
  if (only !== undefined) {
    const passphrase = only.read()
    if (passphrase === undefined || passphrase.isEmpty) throw empty(only.name)
    const inState = only.source === 'file' && isInside(passphraseFile!, state)
    return { passphrase, source: only.source, unprotected: inState || beside?.equals(passphrase) === true }
  }
  if (beside !== undefined && !beside.isEmpty)
    return { passphrase: beside, source: 'state', unprotected: true }
  if (create === undefined) throw none(stateFile)
  const passphrase = new Passphrase(Buffer.from(Buffer.from(create(RANDOM_BYTES)).toString('base64url')))
  disk.writeFileAtomic(stateFile, `${Buffer.from(passphrase.bytes())}\n`, { mode: 0o600 })
  return { passphrase, source: 'state', unprotected: true }
}

export interface FindOptions {
  /** Whether one that is made now would do, where there is none; default true. */
  readonly mayMake?: boolean
}

export interface KeptPassphraseOptions extends Omit<PassphraseOptions, 'create'> {
  readonly create?: () => PassphraseOptions['create']
}

/**
 * What `findPassphrase` finds when it is first asked for, kept for as long as it opens keys. The variable is gone from the environment
 * at once, so that no process we start inherits it.
 */
export class KeptPassphrase {
  #options: KeptPassphraseOptions
  #found: FoundPassphrase | undefined

  constructor(options: KeptPassphraseOptions) {
    this.#options = { ...options, environment: { ...options.environment } }
    delete options.environment[VARIABLE]
  }

  find({ mayMake = true }: FindOptions = {}): FoundPassphrase {
    const { environment, create, ...options } = this.#options
    this.#found ??= findPassphrase({
      ...options,
      environment: { ...environment },
      create: mayMake ? create?.() : undefined,
    })
    return this.#found
  }

  /** It will not do: it is read anew when it is asked for again. */
  forget(): void {
    this.#found = undefined
  }

  /** Another file is named from now on (`authority.passphrase_file`); what was found stays for as long as it opens keys. */
  lookIn(passphraseFile: string | undefined): void {
    this.#options = { ...this.#options, passphraseFile }
  }
}

/** One that is given in a file of its own. @throws AuthorityError `PASSPHRASE_MISSING`, `PERMISSIONS` */
export function passphraseIn(disk: Disk, path: string): Passphrase {
  const passphrase = readPassphrase(disk, path)
  if (passphrase === undefined || passphrase.isEmpty) throw empty(path, '')
  return passphrase
}

/**
 * One that nothing is sealed with yet. What is sealed with a shorter one already opens with it as before.
 *
 * @param from where it came from, for the message
 * @throws AuthorityError `PASSPHRASE_SHORT`
 */
export function longEnough(passphrase: Passphrase, from?: string): Passphrase {
  const { length } = passphrase
  if (length >= LEAST_BYTES) return passphrase
  throw new AuthorityError(
    'PASSPHRASE_SHORT',
    `found a new passphrase of ${length} octets${from === undefined ? '' : ` in ${from}`}; allowed: ${LEAST_BYTES} or more, because whoever has a copy of what it seals may guess for as long as he likes. \`(umask 077; openssl rand -base64 32 > FILE)\` makes one`,
    { data: { found: length, allowed: LEAST_BYTES } },
  )
}

interface Given {
  readonly source: PassphraseSource
  readonly name: string
  readonly read: () => Passphrase | undefined
}

function givenPassphrases({ disk, passphraseFile, environment }: PassphraseOptions): Given[] {
  const given: Given[] = []
  const variable = environment[VARIABLE]
  delete environment[VARIABLE]
  if (passphraseFile !== undefined) {
    const read = () => readPassphrase(disk, passphraseFile)
    given.push({ source: 'file', name: `authority.passphrase_file (${passphraseFile})`, read })
  }
  const folder = environment.CREDENTIALS_DIRECTORY
  const credential = folder && isAbsolute(folder) ? join(folder, CREDENTIAL) : undefined
  if (credential !== undefined && disk.kindOf(credential) !== undefined) {
    const name = `the systemd credential ${CREDENTIAL}`
    given.push({ source: 'credential', name, read: () => readPassphrase(disk, credential, name) })
  }
  if (variable !== undefined) {
    const name = `$${VARIABLE}`
    given.push({ source: 'environment', name, read: () => new Passphrase(Buffer.from(variable), name) })
  }
  return given
}

function readPassphrase(disk: Disk, path: string, fixedBy?: string): Passphrase | undefined {
  const bytes = disk.readChecked(path, { maxBytes: MAX_BYTES, refuseLooserThan: 0o600 })
  if (bytes === undefined) return undefined
  try {
    return new Passphrase(bytes, fixedBy)
  } finally {
    bytes.fill(0)
  }
}

/** How the right one is given in the place of one that opens nothing, for messages. */
export function insteadOf({ fixedBy }: Passphrase): string {
  if (fixedBy === undefined) return `Give that by ${passphraseWays}`
  return `It came from ${fixedBy}, which is read at the start only: give that by ${passphraseWays}, and start \`mtls up\`, or this command, again`
}

/** How a passphrase is given, for messages. */
const passphraseWays = `authority.passphrase_file, a systemd credential ${CREDENTIAL}, or $${VARIABLE}`

function ambiguous(found: readonly string[]): AuthorityError {
  return new AuthorityError(
    'PASSPHRASE_AMBIGUOUS',
    `the passphrase of the CA keys is given more than once: ${found.join(' and ')}. Leave one of them`,
    { data: { found } },
  )
}

function empty(name: string, orElse = ', or leave it out'): AuthorityError {
  return new AuthorityError('PASSPHRASE_MISSING', `${name} holds no passphrase. Put it there${orElse}`, {
    data: { name },
  })
}

function none(stateFile: string): AuthorityError {
  return new AuthorityError(
    'PASSPHRASE_MISSING',
    `the CA keys are encrypted, and no passphrase is given. Give it by ${passphraseWays}, or put ${stateFile} back`,
    { data: { stateFile } },
  )
}
