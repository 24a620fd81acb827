import type { Engine } from '../engine/engine.ts'
import { requireMesh } from '../engine/no-mesh.ts'
import { AuthorityError } from '../error.ts'
import { longEnough, passphraseIn } from '../keys/passphrase.ts'
import { placeOf, placeText } from '../keys/root-key-place.ts'
import { rootKeysOf } from '../trust/root-keys.ts'
import { checkState } from './check-state.ts'
import { recordSealed } from './seal-keys.ts'

export interface ResealReport {
  /** Slots whose keys were sealed anew. */
  readonly sealed: readonly string[]
  /** Roots that are kept offline: copies of their keys elsewhere open with the passphrase before only. */
  readonly offline: readonly string[]
}

/**
 * Seals every CA and bundle key that lies here with another passphrase. One that is sealed with it already is left as it is, so that
 * what a crash has ended is taken up by the next call, with the same two passphrases. What lay beside the keys opens none of them
 * afterwards, and goes.
 *
 * @param file with the other passphrase, 0600; absolute
 * @throws AuthorityError `NO_MESH`, `PASSPHRASE_MISSING`, `PASSPHRASE_SHORT`, `PASSPHRASE_WRONG`, `ROOT_KEY_NEEDED`, `KEY_IN_CLEAR`; what
 *   `checkState` throws
 */
export async function resealKeys(engine: Engine, file: string): Promise<ResealReport> {
  const { config, keys, disk, layout } = engine
  requireMesh(engine)
  checkState(engine)
  if (config.authority.storeCaKeysInClear) throw inClear()
  const next = longEnough(passphraseIn(disk, file), file)
  requireAllHere(engine)
  const sealed = new Set<string>()
  // By what lies there, not by what is on record: the passphrase goes that would open a key which was left out.
  for (const path of keys.paths()) {
    const key = await keys.reseal(path, next)
    if (key === undefined) continue
    await recordSealed(engine, key)
    sealed.add(key.id)
  }
  const beside = layout.authority.passphrase
  if (disk.kindOf(beside) !== undefined && !passphraseIn(disk, beside).equals(next)) disk.remove(beside)
  return { sealed: [...sealed], offline: [...rootKeysOf(engine).keys()] }
}

/** Nobody could open one that was away meanwhile. */
function requireAllHere(engine: Engine): void {
  const away = [...rootKeysOf(engine)].flatMap(([slot, key]) => (key.isThere ? [] : [placeOf(slot, key)]))
  if (away.length === 0) return
  const places = away.map((key) => `the key of ${key.slot} at ${placeText(key)}`).join(' and ')
  throw new AuthorityError(
    'ROOT_KEY_NEEDED',
    `this needs ${places}, which is sealed with the passphrase too, and it is away (authority.root.offline); nothing was changed. Put it there (0600), run the command again, and take it away`,
    { data: { keys: away } },
  )
}

function inClear(): AuthorityError {
  return new AuthorityError(
    'KEY_IN_CLEAR',
    'found CA keys that lie in clear, as authority.store_ca_keys_in_clear says; allowed: sealed ones. Take that line out, and `mtls apply` seals them with the passphrase that it is given',
  )
}
