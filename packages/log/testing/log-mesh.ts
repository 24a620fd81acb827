import assert from 'node:assert/strict'
import {
  generateKeyPair,
  isSignedSct,
  parseCertificate,
  parseSct,
  precertEntry,
  type Sct,
  sha256,
  withoutPoison,
} from '@datapunk/pki'
import { type TestIdentity, TestMesh, type TestOverrides, testExtension } from '@datapunk/testkit'
import { readFolder } from '../reading/read-folder.ts'
import { verifyLog } from '../reading/verify-log.ts'
import { TransparencyLog, type TransparencyLogOptions } from '../transparency-log.ts'

/** A mesh whose authority would submit to a log, and what it would submit. */
export class LogMesh {
  readonly mesh: TestMesh
  /** Milliseconds since the epoch. */
  now: number

  private constructor(mesh: TestMesh) {
    this.mesh = mesh
    this.now = mesh.ca.at + 1000
  }

  static async create(): Promise<LogMesh> {
    return new LogMesh(await TestMesh.create({ services: { lake: {} }, at: Date.UTC(2026, 5, 1) }))
  }

  open(
    overrides: Partial<TransparencyLogOptions> & { readonly fresh?: boolean } = {},
  ): Promise<TransparencyLog> {
    const { layout, config } = this.mesh
    return TransparencyLog.open({
      ...{ layout, caCert: config.paths.caCert, url: 'http://log.test/log', clock: () => this.now },
      ...{ meshId: '00', generation: 1, clockSkew: 1000, ...overrides },
    })
  }

  /** Precertificates for one key, each with a serial of its own. */
  async precertificates(count: number, overrides: TestOverrides = {}): Promise<TestIdentity[]> {
    const keyPair = await generateKeyPair('ecdsa-p256')
    const poison = testExtension.poison()
    const { extensions, ...fields } = overrides
    const all: TestIdentity[] = []
    while (all.length < count)
      all.push(await this.mesh.leaf('lake', { keyPair, ...fields, extensions: { poison, ...extensions } }))
    return all
  }

  chainOf(...identities: readonly TestIdentity[]): Uint8Array[] {
    return [...identities, this.mesh.ca.issuing].map(({ der }) => der)
  }

  /**
   * Holds all of the log against its checkpoint, and each SCT against the entry in its place.
   *
   * @param scts by serial
   * @returns how many entries there are
   */
  async check(
    log: Pick<TransparencyLog, 'folder' | 'spki' | 'origin'>,
    scts: ReadonlyMap<string, Uint8Array> = new Map(),
  ): Promise<number> {
    const serials: string[] = []
    const checkpoint = await verifyLog(readFolder(log.folder.public), log, {
      onEntry: ({ precertificate, entry }) =>
        serials.push(
          parseCertificate(entry.type === 'x509_entry' ? entry.certificate : precertificate!).serial,
        ),
    })
    for (const [serial, sct] of scts) assert.equal(serials[indexIn(parseSct(sct))], serial)
    assert.equal(new Set(serials).size, serials.length)
    return checkpoint?.size ?? 0
  }

  /** @throws AssertionError it is not signed over this precertificate */
  checkSct(octets: Uint8Array, { certificate }: TestIdentity, spki: Uint8Array): number {
    const sct = parseSct(octets)
    const issuerKeyHash = sha256(this.mesh.ca.issuing.certificate.spki)
    const entry = precertEntry({ tbs: withoutPoison(certificate.tbs), issuerKeyHash })
    assert.ok(isSignedSct(sct, entry, spki))
    return indexIn(sct)
  }

  remove(): Promise<void> {
    return this.mesh.remove()
  }
}

function indexIn({ leafIndex }: Sct): number {
  assert.notEqual(leafIndex, undefined)
  return leafIndex!
}
