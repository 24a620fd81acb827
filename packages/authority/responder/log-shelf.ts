import { constants, existsSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { transparencyBudget } from '@datapunk/pki'
import { type Layout, logFolderId } from '@datapunk/protocol'
import { CHECKPOINT_PATH, type ShownObject, shownHeaders, shownObject } from '@datapunk/tlog'
import type { Reader } from '../store/contract.ts'
import type { SlotRow } from '../store/rows.ts'
import { logListOf } from './log-list.ts'

/** What is to be answered about a log. */
export interface Shelved extends ShownObject {
  readonly octets: Uint8Array
}

export interface LogShelfOptions {
  readonly store: Pick<Reader, 'slots' | 'mesh'>
  readonly layout: Pick<Layout, 'log'>
  /** Where all this is reached, without a slash at the end; undefined where nobody serves it over HTTP. */
  readonly publicUrl: string | undefined
  /** Reads an object of a log that does not lie here; without it there is none. */
  readonly readElsewhere?: ReadElsewhere | undefined
}

/** @param origin of the log: under that name it is reached */
export type ReadElsewhere = (origin: string, path: string) => Promise<Uint8Array | undefined>

/** Objects that are read elsewhere at the same time. */
const MAX_RELAYED = 64

/** As long as a checkpoint: a log may begin or end at any time. */
const LIST = { type: 'application/json', caching: 'public, max-age=5' }

/**
 * What the mesh's logs show to everybody, from their files or from where they run (C2SP static-ct-api, "Monitoring APIs"):
 *
 *     /log/ID/checkpoint            the newest checkpoint
 *     /log/ID/tile/…                hashes of the tree, as C2SP tlog-tiles names them
 *     /log/ID/tile/data/…           entries
 *     /log/ID/issuer/HEX            the certificate with this SHA-256, DER
 *     /log/log-list.json            which logs there are
 *
 * None of it needs to be believed: checkpoints are signed, and the rest is held against them.
 */
export class LogShelf {
  readonly #options: LogShelfOptions
  #relayed = 0

  constructor(options: LogShelfOptions) {
    this.#options = options
  }

  /** @param path of a request, as it came, without its query */
  async find(path: string): Promise<Shelved | undefined> {
    const { store, layout } = this.#options
    if (path === '/log/log-list.json') return this.#list()
    const [, id, name] = /^\/log\/([0-9a-f]{32})\/(.+)$/.exec(path) ?? []
    const slot = logSlots(store).find((each) => logFolderId(each.spkiHash) === id)
    const object = name === undefined ? undefined : shownObject(name)
    if (slot === undefined || id === undefined || name === undefined || object === undefined) return undefined
    const octets = isHere(layout, id)
      ? await read(join(layout.log(id).public, name))
      : await this.#relay(slot, name)
    return octets && { ...object, octets }
  }

  async #relay({ origin = '' }: SlotRow, path: string): Promise<Uint8Array | undefined> {
    const { readElsewhere } = this.#options
    if (readElsewhere === undefined) return undefined
    if (this.#relayed >= MAX_RELAYED) throw new Error(`${this.#relayed} objects are read elsewhere already`)
    this.#relayed++
    try {
      return await readElsewhere(origin, path)
    } finally {
      this.#relayed--
    }
  }

  async #list(): Promise<Shelved> {
    const { store, layout, publicUrl } = this.#options
    const logs = await Promise.all(
      logSlots(store).map(async (slot) => {
        const checkpoint = await read(join(layout.log(logFolderId(slot.spkiHash)).public, CHECKPOINT_PATH))
        return { slot, checkpoint, isHere: isHere(layout, logFolderId(slot.spkiHash)) }
      }),
    )
    const text = JSON.stringify(
      logListOf(logs, { name: store.mesh()?.trustDomain ?? '', publicUrl }),
      null,
      2,
    )
    return { ...LIST, octets: Buffer.from(`${text}\n`) }
  }
}

function isHere(layout: Pick<Layout, 'log'>, id: string): boolean {
  return existsSync(layout.log(id).dir)
}

function logSlots(store: Pick<Reader, 'slots'>): SlotRow[] {
  return store.slots().filter(({ kind }) => kind === 'log')
}

/** Undefined for what is no file, or larger than anything that a log writes. */
async function read(file: string): Promise<Uint8Array | undefined> {
  try {
    // The folder may be another user's: a named pipe would be waited for, and a link could name a file that is ours alone.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    try {
      const stats = await handle.stat()
      const isObject = stats.isFile() && stats.size <= transparencyBudget.tileBytes
      return isObject ? await readUpTo(handle, stats.size) : undefined
    } finally {
      await handle.close()
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // A full tile and the folder of its partial ones differ in their names, but not every path is of a file.
    if (NO_OBJECT.has(code)) return undefined
    throw error
  }
}

const NO_OBJECT: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'])

/** It may grow while it is read. */
async function readUpTo(handle: FileHandle, size: number): Promise<Uint8Array> {
  const octets = Buffer.alloc(size)
  let length = 0
  for (let read = -1; read !== 0 && length < size; length += read)
    read = (await handle.read(octets, length, size - length, length)).bytesRead
  return octets.subarray(0, length)
}

/** What isn't there now may be there soon: nobody keeps that answer. */
export function giveShelved(response: ServerResponse, shelved: Shelved | undefined): void {
  if (shelved === undefined) {
    response.writeHead(404, { 'cache-control': 'no-store' }).end()
    return
  }
  const { octets } = shelved
  response.writeHead(200, shownHeaders(shelved, octets.byteLength)).end(octets)
}
