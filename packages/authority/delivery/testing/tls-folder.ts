import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { atEnd, TestCa, type TestIdentity, type TestOverrides } from '@datapunk/testkit'
import type { ReloadFiles } from '../../engine/handover.ts'

/** A mesh's certificates as files, and servers' as TLS options. */
export class TlsFolder {
  readonly ca: TestCa
  readonly #folder: string

  private constructor(ca: TestCa, folder: string) {
    this.ca = ca
    this.#folder = folder
  }

  static async create(t: TestContext, at = Date.now()): Promise<TlsFolder> {
    const folder = mkdtempSync(join(tmpdir(), 'reload-'))
    atEnd(t, () => rmSync(folder, { recursive: true }))
    return new TlsFolder(await TestCa.create({ at }), folder)
  }

  /** The pair of a service and the roots, as the authority leaves them. */
  async files(service: string): Promise<ReloadFiles> {
    const leaf = await this.ca.leaf(service)
    const write = (name: string, text: string) => {
      const path = join(this.#folder, name)
      writeFileSync(path, text)
      return path
    }
    return {
      cert: write(`${service}.crt`, this.ca.chainPem(leaf)),
      key: write(`${service}.key`, keyPem(leaf)),
      caCert: write('ca.crt', this.ca.root.pem),
      crl: write('ca.crl', ''),
    }
  }

  /** What a server that demands a certificate of this mesh is made with. */
  async server(service: string, overrides: TestOverrides = {}) {
    const leaf = await this.ca.leaf(service, overrides)
    return {
      cert: this.ca.chainPem(leaf),
      key: keyPem(leaf),
      ca: this.ca.root.pem,
      requestCert: true,
      rejectUnauthorized: true,
    }
  }
}

function keyPem({ privateKey }: TestIdentity): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
}
