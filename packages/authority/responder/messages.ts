/** What the process that answers for the authority, and holds no CA key, and the authority say to each other. */
export type ToResponder =
  | ({ readonly type: 'start' } & ResponderOptions)
  /** A certificate for a key that it has made, DER in base64. */
  | { readonly type: 'signer'; readonly slot: string; readonly certificate: string }
  /** Something was issued, revoked or published: what was read before may be old. */
  | { readonly type: 'changed' }
  | { readonly type: 'staple'; readonly id: number; readonly serial: string }

export type FromResponder =
  /** It has made a key to sign OCSP answers with for this issuing CA: DER SubjectPublicKeyInfo in base64. */
  | { readonly type: 'certify'; readonly slot: string; readonly spki: string }
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'not-listening'; readonly message: string }
  /** DER OCSPResponse in base64; null where there is none to give. */
  | { readonly type: 'stapled'; readonly id: number; readonly response: string | null }

/** What it is started with. */
export interface ResponderOptions {
  /** Absolute. */
  readonly inventory: string
  /** Where the state of the mesh lies; absolute. */
  readonly state: string
  /** Where it can be reached. */
  readonly publicUrl: string
  readonly host: string
  readonly port: number
  /** Milliseconds. */
  readonly answersLive: number
  readonly clockSkew: number
}
