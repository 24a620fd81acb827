import { tag } from '../../der/tag.ts'
import { type DerWriter, encodeDer } from '../../der/writer.ts'
import { writeExtension } from '../../extensions/extensions.ts'
import { algorithmIdentifier } from '../../keys/algorithm-identifier.ts'
import { oids } from '../../oids.ts'

/** What of a response is unlike a good one. Nothing here is checked, that is the point. */
export interface TestResponseFields {
  readonly version?: number
  readonly type?: string
  /** DER `Name`; otherwise the responder is named by a key hash of `keyHash` octets. */
  readonly byName?: Uint8Array
  readonly keyHash?: number
  readonly answers?: number
  /** Whole `CertStatus`, in hexadecimal. */
  readonly status?: string
  readonly thisUpdate?: string
  readonly nextUpdate?: string | undefined
  /** Object identifier of a critical extension, whose value is an empty OCTET STRING. */
  readonly critical?: string
  readonly criticalInAnswer?: string
  /** How many empty SEQUENCEs stand where certificates do. */
  readonly certificates?: number
}

/** The DER of a response of these fields, about no certificate that is, with a signature that is none. */
export function writeTestResponse(fields: TestResponseFields): Uint8Array {
  const { type = oids.ocspBasicResponse, certificates = 0 } = fields
  return encodeDer((der) =>
    der.sequence(() => {
      der.smallInteger(0, tag.enumerated)
      der.explicit(0, () =>
        der.sequence(() => {
          der.oid(type)
          der.octetStringOf(() =>
            der.sequence(() => {
              der.sequence(() => writeData(der, fields))
              der.raw(algorithmIdentifier.ecdsaWithSha256)
              der.octetsInBitString(new Uint8Array(8))
              if (certificates === 0) return
              der.explicit(0, () => der.sequence(() => repeat(certificates, () => der.sequence(() => {}))))
            }),
          )
        }),
      )
    }),
  )
}

function writeData(der: DerWriter, fields: TestResponseFields): void {
  const { version, byName, keyHash = 20, answers = 1, critical } = fields
  if (version !== undefined) der.explicit(0, () => der.smallInteger(version))
  if (byName === undefined) der.explicit(2, () => der.octetString(new Uint8Array(keyHash)))
  else der.explicit(1, () => der.raw(byName))
  der.ascii('20260101000000Z', tag.generalizedTime)
  der.sequence(() => repeat(answers, () => der.sequence(() => writeAnswer(der, fields))))
  if (critical !== undefined) writeCritical(der, critical)
}

function writeAnswer(der: DerWriter, fields: TestResponseFields): void {
  const { status = '8000', thisUpdate = '20260101000000Z', criticalInAnswer } = fields
  const nextUpdate = 'nextUpdate' in fields ? fields.nextUpdate : '20260101010000Z'
  der.sequence(() => {
    der.sequence(() => der.oid(oids.sha256))
    der.octetString(new Uint8Array(32))
    der.octetString(new Uint8Array(32))
    der.smallInteger(1)
  })
  der.raw(Buffer.from(status, 'hex'))
  der.ascii(thisUpdate, tag.generalizedTime)
  if (nextUpdate !== undefined) der.explicit(0, () => der.ascii(nextUpdate, tag.generalizedTime))
  if (criticalInAnswer !== undefined) writeCritical(der, criticalInAnswer)
}

function writeCritical(der: DerWriter, oid: string): void {
  const empty = new Uint8Array()
  der.explicit(1, () => der.sequence(() => writeExtension(der, oid, true, () => der.octetString(empty))))
}

function repeat(times: number, write: () => void): void {
  for (let i = 0; i < times; i++) write()
}
