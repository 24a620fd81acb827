/** Numeric owner; -1 leaves what the system gave. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}
