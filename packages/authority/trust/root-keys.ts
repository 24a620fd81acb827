import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import { placeOf, placeText, type RootKey, type RootKeyPlace } from '../keys/root-key-place.ts'
import type { SlotRow } from '../store/rows.ts'
import { rootsToSign } from './trust.ts'

type Looking = Pick<Engine, 'config' | 'store' | 'keys'>

/** The keys of roots that may be away, and may yet have to sign, by slot: none, unless `authority.root.offline` says so. */
export function rootKeysOf({ config, store, keys }: Looking): ReadonlyMap<string, RootKey> {
  if (!config.authority.root.offline) return new Map()
  const roots = store.slots().filter(({ kind }) => kind === 'root')
  const signing = new Set(rootsToSign(store).map(({ id }) => id))
  return new Map(
    roots
      .filter((root) => isInUse(root) || signing.has(root.id))
      .map((root) => {
        const [path, isThere] = [keys.placeOf(root), !keys.isAway(root, roots)]
        const mayBeSeated = !isThere && path === config.paths.caKey
        const instead = mayBeSeated ? keys.otherInSeat(root, roots) : undefined
        return [root.id, { path, isThere, instead }]
      }),
  )
}

/** Whether a slot's key is that of a root that is away, as the config allows. */
export function isAwayRoot({ config, store, keys }: Looking, slot: SlotRow): boolean {
  if (!config.authority.root.offline || slot.kind !== 'root') return false
  return keys.isAway(
    slot,
    store.slots().filter(({ kind }) => kind === 'root'),
  )
}

/** The keys that are away, and without which no trust statement can be signed. */
export function rootKeysMissing(looking: Looking): readonly RootKeyPlace[] {
  const roots = rootKeysOf(looking)
  return rootsToSign(looking.store).flatMap(({ id }) => {
    const root = roots.get(id)
    return root === undefined || root.isThere ? [] : [placeOf(id, root)]
  })
}

/**
 * Before what somebody asked for, and can't be done without the roots: whatever replaces a CA or bundle key is told by a trust
 * statement, and the root in use is among those that sign it.
 *
 * @throws AuthorityError `ROOT_KEY_NEEDED`
 */
export function requireRootKeys(looking: Looking): void {
  const missing = rootKeysMissing(looking)
  if (missing.length === 0) return
  const places = missing.map((key) => `the key of ${key.slot} at ${placeText(key)}`).join(' and ')
  throw new AuthorityError(
    'ROOT_KEY_NEEDED',
    `this needs ${places}, and it is away (authority.root.offline); nothing was changed. Put it there (0600), run the command again, and take it away when \`mtls status\` says so`,
    { data: { keys: missing } },
  )
}

function isInUse({ state }: SlotRow): boolean {
  return state === 'prepared' || state === 'active' || state === 'retiring'
}
