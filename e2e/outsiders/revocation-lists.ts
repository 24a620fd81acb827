import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CrlRequest,
  encodeExtension,
  encodePem,
  type KeyAlgorithm,
  oids,
  type RevocationReason,
  RevokedEntries,
  signCrl,
} from '@datapunk/pki'
import { TestCa, type TestIdentity } from '@datapunk/testkit'

export type ListRequest = Partial<Omit<CrlRequest, 'entries'>> & {
  readonly revoked?: readonly (readonly [TestIdentity, RevocationReason])[]
}

const day = 24 * 60 * 60 * 1000

/** A CA made today, and a folder for its certificates and lists as PEM files. The caller removes it. */
export class ListFolder {
  readonly ca: TestCa
  readonly #folder = mkdtempSync(join(tmpdir(), 'lists-'))

  private constructor(ca: TestCa) {
    this.ca = ca
  }

  static async create(algorithm: KeyAlgorithm): Promise<ListFolder> {
    return new ListFolder(await TestCa.create({ algorithm, at: Math.floor(Date.now() / 1000) * 1000 }))
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true })
  }

  certificate(name: string, identity: TestIdentity): string {
    return this.#write(`${name}.crt`, identity.pem)
  }

  /** List 1 of the issuing CA, for a day, unless told. @returns its file */
  async list(
    name: string,
    { revoked = [], ...request }: ListRequest = {},
    by: TestIdentity = this.ca.issuing,
  ): Promise<string> {
    const { at } = this.ca
    const entries = revoked.map(([{ certificate }, reason]) =>
      RevokedEntries.of({ serial: certificate.serialBytes, at: at - 1000, reason }),
    )
    const times = { thisUpdate: at - 1000, nextUpdate: at + day }
    const der = await signCrl({ issuer: by.certificate, number: 1, ...times, entries, ...request }, by.signer)
    return this.#write(`${name}.crl`, encodePem('X509 CRL', der))
  }

  #write(name: string, text: string): string {
    const file = join(this.#folder, name)
    writeFileSync(file, text)
    return file
  }
}

/** A list of each kind that an authority signs, with this certificate revoked. */
export function everyList(lake: TestIdentity): Readonly<Record<string, ListRequest>> {
  const scope = { uri: 'http://crl.service.datapunk/7.crl', onlyContains: 'user-certificates' } as const
  return {
    full: { revoked: [[lake, 'keyCompromise']], freshest: 'http://crl.service.datapunk/delta.crl' },
    empty: {},
    delta: { number: 3, base: 1, revoked: [[lake, 'unspecified']] },
    sharded: { scope, revoked: [[lake, 'superseded']] },
  }
}

/** The extension of a certificate whose revocation is to be looked for at this place. */
export function distributionPoint(uri: string): Uint8Array {
  return encodeExtension(oids.crlDistributionPoints, false, (der) =>
    der.sequence(() =>
      der.sequence(() => der.explicit(0, () => der.explicit(0, () => der.ascii(uri, 0x86)))),
    ),
  )
}
