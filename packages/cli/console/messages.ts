import type { Address } from '@datapunk/protocol'
import type { ConfigPlace } from '../config-file.ts'

/** What `mtls up` says to the process that serves its console. */
export type ToConsole =
  /** From now on there, by this config file. */
  | {
      readonly type: 'serve'
      readonly place: ConfigPlace
      readonly address: Address
      readonly readOnly: boolean
    }
  | { readonly type: 'link'; readonly id: number; readonly readOnly: boolean }

/** … and what that answers. */
export type FromConsole =
  | { readonly type: 'served'; readonly url: string }
  | { readonly type: 'not-served'; readonly message: string }
  | { readonly type: 'link'; readonly id: number; readonly url: string; readonly endsAt: number }
  | { readonly type: 'no-link'; readonly id: number; readonly message: string }
