import type { Identity } from './identity.ts'
import type { MeshView } from './view.ts'

/** What a handshake needs to know; asked for anew at every one. */
export interface Current {
  readonly identity: Identity
  readonly view: MeshView
  /** Grows with every change of either: whatever was made under an earlier one is not used for new connections. */
  readonly version: number
}

/** The one-method source that everything else asks. */
export interface CurrentSource {
  current(): Current
}
