import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Authority } from '@datapunk/authority'
import { logOpener } from '@datapunk/log'
import { type Config, layoutOf, parseConfig } from '@datapunk/protocol'

const YEAR = 365 * 86_400_000

/** A mesh of three services in a folder of its own, with as many revoked certificates on record as are asked for. */
export class RevokedMesh {
  readonly #folder = mkdtempSync(join(tmpdir(), 'bench-revoked-'))
  readonly #file = join(this.#folder, 'mtls-config.yaml')

  static async create(settings: object = {}): Promise<RevokedMesh> {
    const mesh = new RevokedMesh()
    mesh.write(settings)
    const authority = await mesh.open()
    await authority.apply({ approve: () => true })
    await authority.close()
    return mesh
  }

  write(settings: object): void {
    const text = {
      authority: { store_ca_keys_in_clear: true },
      certificates: { key_algorithm: 'ecdsa-p256' },
      services: { lake: {}, stream: {}, nexus: {} },
    }
    writeFileSync(this.#file, JSON.stringify({ ...text, ...settings }))
  }

  get config(): Config {
    return parseConfig(readFileSync(this.#file), { file: this.#file })
  }

  get inventory(): string {
    return layoutOf(this.config).authority.inventory
  }

  open(): Promise<Authority> {
    const outside = { clock: Date.now, randomBytes, environment: {}, pid: process.pid, purpose: 'bench' }
    return Authority.open({ ...outside, config: this.config, openLog: logOpener(this.config, Date.now) })
  }

  /** As if each had been issued to `lake` and revoked: straight into the inventory, while nobody has it open. */
  revoked(count: number): void {
    const database = new DatabaseSync(this.inventory)
    const now = Date.now()
    const [from, until] = [now - YEAR / 2, now + YEAR / 2]
    const issue = database.prepare(
      `INSERT INTO certificate (serial, profile, slot, spki_hash, instance, not_before, not_after, tbs_hash, request,
       intended_at, state, der) VALUES (?, 'leaf', 'issuing-ca-1', '', 'lake', ?, ?, '', '{}', ?, 'issued', x'00')`,
    )
    const revoke = database.prepare(
      "INSERT INTO revocation (certificate, slot, reason, at) VALUES (?, 'issuing-ca-1', 'superseded', ?)",
    )
    const mark = database.prepare('UPDATE certificate SET revocation = ? WHERE number = ?')
    database.exec('PRAGMA synchronous = OFF; BEGIN')
    for (let n = 0; n < count; n++) {
      const serial = randomBytes(16)
      serial[0] = (serial[0]! & 0x3f) | 0x40
      const { lastInsertRowid: certificate } = issue.run(serial.toString('hex'), from, until + n, from)
      mark.run(revoke.run(certificate, now - 3_600_000).lastInsertRowid, certificate)
    }
    database.exec('COMMIT; PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)')
    database.close()
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true })
  }
}
