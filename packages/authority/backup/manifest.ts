/**
 * What a backup holds, as the first line of what is encrypted: the key files, in the order in which they follow, and then
 * the inventory.
 */
export interface Manifest {
  readonly keys: readonly { readonly slot: string; readonly size: number }[]
  /** Bytes. */
  readonly inventory: number
}

/** Two generations of every kind are six; a line of it has 60 bytes. */
const MAX_KEYS = 64
export const MAX_MANIFEST_BYTES = 16 * 1024

/** As `KeyStore` takes them. */
const MAX_KEY_BYTES = 64 * 1024

/** A hundred thousand services that were renewed for ten years, every certificate kept. */
export const MAX_INVENTORY_BYTES = 64 * 1024 ** 3

export function encodeManifest(manifest: Manifest): Uint8Array {
  return Buffer.from(`${JSON.stringify(manifest)}\n`)
}

/** @returns undefined for what is no manifest of ours, whoever has sealed it */
export function parseManifest(line: Uint8Array): Manifest | undefined {
  try {
    const { keys, inventory } = JSON.parse(Buffer.from(line).toString()) as Manifest
    const isSize = (size: unknown, most: number) =>
      Number.isSafeInteger(size) && (size as number) >= 1 && (size as number) <= most
    const areKeys =
      Array.isArray(keys) &&
      keys.length <= MAX_KEYS &&
      keys.every(({ slot, size }) => isSlotId(slot) && isSize(size, MAX_KEY_BYTES)) &&
      new Set(keys.map(({ slot }) => slot)).size === keys.length
    return areKeys && isSize(inventory, MAX_INVENTORY_BYTES) ? { keys, inventory } : undefined
  } catch {
    return undefined
  }
}

/** It becomes the name of a file. */
function isSlotId(slot: unknown): boolean {
  return typeof slot === 'string' && /^(root|issuing-ca|bundle-key)-[1-9]\d{0,5}$/.test(slot)
}
