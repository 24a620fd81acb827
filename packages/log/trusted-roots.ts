import { readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Certificate, decodePem, PkiError, parseCertificate } from '@datapunk/pki'
import {
  compareDocumentNumbers,
  followTrustStatements,
  type Layout,
  ProtocolError,
  readTrustStatement,
  type SignedTrustStatement,
  trustStatementNumbers,
} from '@datapunk/protocol'
import { syncFolder, writeWhole } from './durable-file.ts'
import { LogError } from './log-error.ts'
import { readRegularFile } from './regular-file.ts'
import { Rounds } from './rounds.ts'

export interface TrustedRootsOptions {
  /** Where the authority publishes. */
  readonly mesh: Pick<Layout['mesh'], 'trustDir' | 'trustStatement'>
  /** The file with the roots, looked at only until the first statement is believed. */
  readonly caCert: string
  /** Where the statement that was believed last is kept; absolute. */
  readonly memory: string
  /** When a statement may have been issued at the latest, milliseconds since the epoch. */
  readonly latest: () => number
}

/** A roll-over makes three; that is more of them than a mesh has in its life. */
const MAX_UNREAD = 512

/** More than any trust statement, or all roots of a mesh in PEM, have. The folder that they lie in is another user's. */
const maxBytes = 1024 * 1024

/**
 * The roots whose certificates the log takes, as the trust statements name them: it follows them as a peer does, each only as
 * far as the one before it allows, and never back.
 */
export class TrustedRoots {
  readonly #options: TrustedRootsOptions
  readonly #looks = new Rounds(() => this.#look())
  #believed: SignedTrustStatement | undefined

  constructor(options: TrustedRootsOptions) {
    this.#options = options
  }

  /** As they were found last. */
  get roots(): readonly Certificate[] {
    return this.#believed?.roots ?? []
  }

  get statement(): SignedTrustStatement | undefined {
    return this.#believed
  }

  /**
   * Looks for newer statements: what is published when it is called is found.
   *
   * @throws LogError `LOG_UNREADABLE`
   */
  refresh(): Promise<void> {
    return this.#looks.run()
  }

  async #look(): Promise<void> {
    const { mesh, caCert, memory, latest } = this.#options
    try {
      this.#believed ??= await this.#remembered()
      const believed = this.#believed
      const unread = trustStatementNumbers(await readdir(mesh.trustDir)).filter(
        (number) => believed === undefined || compareDocumentNumbers(number, believed.number) > 0,
      )
      if (unread.length === 0) return
      if (unread.length > MAX_UNREAD)
        throw new Error(`found ${unread.length} of them to read; allowed: ${MAX_UNREAD}`)
      const documents = await Promise.all(
        unread.map((number) => readRegularFile(mesh.trustStatement(number), { maxBytes })),
      )
      const from = believed === undefined ? { anchors: await rootsIn(caCert) } : { previous: believed }
      const newest = followTrustStatements(documents, from, latest())
      await writeWhole(memory, newest.bytes)
      await syncFolder(dirname(memory))
      this.#believed = newest
    } catch (cause) {
      throw new LogError(
        'LOG_UNREADABLE',
        `the log can't follow the trust statements in ${mesh.trustDir}: ${(cause as Error).message}`,
        { cause },
      )
    }
  }

  async #remembered(): Promise<SignedTrustStatement | undefined> {
    try {
      return readTrustStatement(await readRegularFile(this.#options.memory, { maxBytes }))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof ProtocolError)
        return undefined
      throw error
    }
  }
}

async function rootsIn(caCert: string): Promise<Certificate[]> {
  try {
    return decodePem(await readRegularFile(caCert, { maxBytes }), 'CERTIFICATE').map(parseCertificate)
  } catch (cause) {
    if (!(cause instanceof PkiError)) throw cause
    throw new LogError('LOG_UNREADABLE', `found no certificates in ${caCert}`, { cause })
  }
}
