/** Where the key of a root is looked for. */
export interface RootKeyPlace {
  readonly slot: string
  /** Absolute. */
  readonly path: string
  /** The root whose key lies there instead. */
  readonly instead?: string | undefined
}

export interface RootKey extends Omit<RootKeyPlace, 'slot'> {
  readonly isThere: boolean
}

export function placeOf(slot: string, { path, instead }: RootKey): RootKeyPlace {
  return { slot, path, ...(instead !== undefined && { instead }) }
}

/** For messages that ask for a key. */
export function placeText({ path, instead }: Omit<RootKeyPlace, 'slot'>): string {
  return instead === undefined ? path : `${path}, where that of ${instead} lies instead`
}
