/** Where the key of a root is looked for. */
export interface RootKeyPlace {
  readonly slot: string
  /** Absolute. */
  readonly path: string
}

export interface RootKey extends Pick<RootKeyPlace, 'path'> {
  readonly isThere: boolean
}
