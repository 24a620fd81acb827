import type { Address, ConfigPlace, OperatorConfig } from '@datapunk/protocol'

/** What `mtls up` says to the process that serves its console. */
export type ToConsole =
  /** From now on there, by this config file. */
  | {
      readonly type: 'serve'
      readonly place: ConfigPlace
      readonly address: Address
      readonly readOnly: boolean
    }
  /** From now on these may come in from elsewhere, and nobody else. */
  | { readonly type: 'operators'; readonly operators: readonly OperatorConfig[] }
  | { readonly type: 'link'; readonly id: number; readonly readOnly: boolean }
  /** PEM: leaf, then issuing CA, of the key with this number. */
  | { readonly type: 'certified'; readonly id: number; readonly certificate: string }
  | { readonly type: 'not-certified'; readonly id: number; readonly message: string }

/** … and what that answers. */
export type FromConsole =
  | { readonly type: 'served'; readonly url: string }
  | { readonly type: 'not-served'; readonly message: string }
  /** `endsAt` null: operators come in there, by their certificates. */
  | { readonly type: 'link'; readonly id: number; readonly url: string; readonly endsAt: number | null }
  | { readonly type: 'no-link'; readonly id: number; readonly message: string }
  /** It has made a key to show operators: DER SubjectPublicKeyInfo in base64. */
  | { readonly type: 'certify'; readonly id: number; readonly spki: string }
  /** It can't keep who is logged in. */
  | { readonly type: 'sessions-failed'; readonly message: string }
  /** Somebody came from elsewhere and was not let in. */
  | {
      readonly type: 'refused'
      readonly rule: string
      readonly message: string
      readonly serial?: string | undefined
      readonly remote?: string | undefined
    }
