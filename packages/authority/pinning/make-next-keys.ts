import { spkiOf } from '@datapunk/pki'
import { keyIdOf } from '@datapunk/protocol'
import { type KeyText, NextKeyFile } from '../disk/next-key.ts'
import type { Engine } from '../engine/engine.ts'
import { folderOptions } from '../engine/place.ts'
import { AuthorityError } from '../error.ts'
import { decodeSettings, keySizeOf, type Settings } from '../services/settings.ts'
import type { NextKeyRow, ServiceRow } from '../store/rows.ts'
import { pinningWanted } from './pin-mode.ts'

/** How many are made at once: enough to share each commit, few enough to keep memory small. */
const AT_ONCE = 128

/** An instance whose key lives here, and its service. */
export interface Holder {
  readonly instance: string
  readonly service: ServiceRow
}

/** Whether a next key is of the kind that the settings want. */
export function isOfKind(row: Pick<NextKeyRow, 'algorithm' | 'keySize'>, settings: Settings): boolean {
  return row.algorithm === settings.keyAlgorithm && row.keySize === keySizeOf(settings)
}

/** Whose file of a next key was seen a moment ago, and of which key: its hash, by instance. */
export type SeenKeys = Map<string, string>

/**
 * The instances that have no next key, or one of another kind, or have lost its file.
 *
 * @param options.pressing of these the file is read: should it not be whole, that is to be found out now, and not at its use
 * @param options.seen these are not looked at again; whoever is looked at now, and has one, is put there
 */
export function withoutNextKey(
  engine: Pick<Engine, 'store' | 'disk' | 'layout' | 'config'>,
  options: { readonly pressing?: ReadonlySet<string>; readonly seen?: SeenKeys | undefined } = {},
): Holder[] {
  const { pressing, seen } = options
  const { store, disk, layout } = engine
  if (pinningWanted(engine) === 'off') return []
  const members = new Map(
    store
      .services()
      .flatMap((row) => (row.state === 'member' && row.barredAt === undefined ? [[row.service, row]] : [])),
  )
  const rows = new Map(store.nextKeys().map((row) => [row.instance, row]))
  return store.instances().flatMap(({ id, service, place }) => {
    const of = members.get(service)
    if (of === undefined || place !== 'here') return []
    const row = rows.get(id)
    const isOnDisk = (key: NextKeyRow): boolean => {
      const isPressing = pressing?.has(id)
      if (!isPressing && seen?.get(id) === key.spkiHash) return true
      const file = new NextKeyFile(layout.instance(id).dir, disk)
      const isSo = isPressing ? readNextKey(file, key) !== undefined : isThere(file)
      if (isSo) seen?.set(id, key.spkiHash)
      return isSo
    }
    const isReady = row !== undefined && isOfKind(row, decodeSettings(of.settings)) && isOnDisk(row)
    return isReady ? [] : [{ instance: id, service: of }]
  })
}

/** The key that the inventory speaks of; undefined where the file holds another one, or none that can be read. */
export function readNextKey(file: NextKeyFile, { spkiHash }: NextKeyRow): KeyText | undefined {
  try {
    const key = file.read()
    return key && keyIdOf(key.spki) === spkiHash ? key : undefined
  } catch (error) {
    // Whatever is wrong with it, another one mends it.
    if (error instanceof AuthorityError) return undefined
    throw error
  }
}

/** Whoever may not look counts it as missing, as he does the pair. */
export function isThere(file: NextKeyFile): boolean {
  try {
    return file.isThere
  } catch (error) {
    if (error instanceof AuthorityError) return false
    throw error
  }
}

/**
 * Makes the next keys of instances: each lies in its place before it is on record, and is on record before it is pinned.
 *
 * @returns those for which it could not be done, and why
 */
export async function makeNextKeys(
  engine: Engine,
  holders: readonly Holder[],
): Promise<ReadonlyMap<string, Error>> {
  const failed = new Map<string, Error>()
  const makeOne = async (holder: Holder) => {
    try {
      await makeNextKey(engine, holder)
    } catch (cause) {
      if (!(cause instanceof AuthorityError)) throw cause
      failed.set(holder.instance, cause)
    }
  }
  for (let from = 0; from < holders.length; from += AT_ONCE)
    await Promise.all(holders.slice(from, from + AT_ONCE).map(makeOne))
  return failed
}

async function makeNextKey(engine: Engine, { instance, service }: Holder): Promise<void> {
  const { store, disk, layout, makeKeyPair } = engine
  const settings = decodeSettings(service.settings)
  const { keyAlgorithm: algorithm } = settings
  const { privateKey, publicKey } = await makeKeyPair(algorithm, { rsaBits: settings.keySize })
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  new NextKeyFile(layout.instance(instance).dir, disk).put(keyPem, folderOptions(engine, settings))
  const spkiHash = keyIdOf(spkiOf(publicKey))
  const row = { instance, spkiHash, algorithm, keySize: keySizeOf(settings), announced: undefined }
  await store.write((transaction) => transaction.putNextKey(row))
}
