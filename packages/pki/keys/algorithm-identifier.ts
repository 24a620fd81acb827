import { encodeDer } from '../der/writer.ts'
import { oids } from '../oids.ts'

/**
 * `AlgorithmIdentifier` constants, each in the one encoding that its RFC allows. Keys and signatures are
 * recognised by comparing octets with these, so parameters that don't belong (explicit curves, RSA without
 * NULL) match nothing.
 */
export const algorithmIdentifier = {
  // RFC 3279 §2.3.1, RFC 4055 §5: parameters NULL
  rsaEncryption: withNull(oids.rsaEncryption),
  sha256WithRsa: withNull(oids.sha256WithRsa),
  sha384WithRsa: withNull(oids.sha384WithRsa),
  sha512WithRsa: withNull(oids.sha512WithRsa),
  // RFC 5480 §2.1.1: named curves only
  p256: withOid(oids.ecPublicKey, oids.p256),
  p384: withOid(oids.ecPublicKey, oids.p384),
  // RFC 5758 §3.2, RFC 8410 §3, RFC 9881 §2: parameters absent
  ecdsaWithSha256: plain(oids.ecdsaWithSha256),
  ecdsaWithSha384: plain(oids.ecdsaWithSha384),
  ecdsaWithSha512: plain(oids.ecdsaWithSha512),
  ed25519: plain(oids.ed25519),
  mlDsa65: plain(oids.mlDsa65),
} as const

function plain(oid: string): Uint8Array {
  return encodeDer((der) => der.sequence(() => der.oid(oid)))
}

function withNull(oid: string): Uint8Array {
  return encodeDer((der) =>
    der.sequence(() => {
      der.oid(oid)
      der.null()
    }),
  )
}

function withOid(oid: string, parameter: string): Uint8Array {
  return encodeDer((der) =>
    der.sequence(() => {
      der.oid(oid)
      der.oid(parameter)
    }),
  )
}
