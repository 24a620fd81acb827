import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodePem } from '@datapunk/pki'
import { atEnd } from '@datapunk/testkit'
import { DELTA, leafListUrl, listAt, listUrl } from '../../packages/authority/revoked/list-url.ts'
import type { ListRow, SlotRow } from '../../packages/authority/store/rows.ts'
import { SqliteStore } from '../../packages/authority/store/sqlite.ts'
import { Child } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { needs, program } from '../outsider.ts'

const openssl = (...args: string[]) => Child.run(program('openssl'), args)

/** What the authority has on record, seen from beside it. */
class Published {
  readonly mesh: MeshFolder
  readonly #store: SqliteStore

  constructor(mesh: MeshFolder) {
    this.mesh = mesh
    this.#store = SqliteStore.open({ file: mesh.layout.authority.inventory, readOnly: true })
  }

  get slot(): SlotRow {
    return this.#store.slots().find(({ kind }) => kind === 'issuing-ca')!
  }

  serial(service: string): string {
    return this.#store.currentCertificates().find(({ instance }) => instance === service)!.serial
  }

  certificate(service: string): string {
    const { der } = this.#store.currentCertificates().find(({ instance }) => instance === service)!
    return this.file(`${service}-${Date.now()}.crt`, encodePem('CERTIFICATE', der!))
  }

  issuer(): string {
    return this.file('issuing.crt', encodePem('CERTIFICATE', this.slot.certificate!))
  }

  root(): string {
    const root = this.#store.slots().find(({ kind }) => kind === 'root')!
    return this.#list('root.crl', this.#store.list(root.id, '')!)
  }

  /** The list at a URL, as HTTP serves it. */
  list(name: string, url: string): string {
    const { slot, scope } = listAt(this.#store, new URL(url).pathname)!
    return this.#list(name, this.#store.list(slot, scope)!)
  }

  file(name: string, text: string): string {
    const path = join(this.mesh.folder, name)
    writeFileSync(path, text)
    return path
  }

  close(): void {
    this.#store.close()
  }

  #list(name: string, { der }: ListRow): string {
    return this.file(name, encodePem('X509 CRL', der))
  }
}

test('openssl goes by our shards, and by a list with its delta', needs('openssl'), async (t) => {
  const mesh = await MeshFolder.applied({
    services: { lake: {}, stream: {} },
    authority: { store_ca_keys_in_clear: true, http: '127.0.0.1:7480' },
    revocation: { deltas: true, shards: 16 },
  })
  atEnd(t, () => mesh.remove())
  const published = new Published(mesh)
  atEnd(t, () => published.close())
  const { config } = mesh
  const issuer = published.issuer()
  const chain = ['-CAfile', mesh.caCert, '-untrusted', issuer, '-crl_check_all', '-x509_strict']
  const verdict = async (certificate: string, lists: readonly string[], ...more: string[]) => {
    const files = [published.root(), ...lists].flatMap((file) => ['-CRLfile', file])
    const { code, stdout, stderr } = await openssl('verify', ...more, ...chain, ...files, certificate)
    return code === 0 ? 'good' : (/error \d+ at .*lookup: (.*)/.exec(stdout + stderr)?.[1] ?? stdout + stderr)
  }
  const wholeUrl = listUrl(config, published.slot, '')!
  const deltaUrl = listUrl(config, published.slot, DELTA)!
  const [lake, stream] = [published.certificate('lake'), published.certificate('stream')]
  const serials = { lake: published.serial('lake'), stream: published.serial('stream') }
  const before = published.list('before.crl', wholeUrl)
  const authority = await mesh.authority()
  atEnd(t, () => authority.close())
  await authority.revoke({ targets: [{ service: 'lake' }], reason: 'key-compromise' })

  await t.test('the whole list says it, and of what came later its delta does', async () => {
    const whole = published.list('whole.crl', wholeUrl)
    assert.deepEqual(
      [await verdict(lake, [before]), await verdict(lake, [whole]), await verdict(stream, [whole])],
      ['good', 'certificate revoked', 'good'],
    )
    await authority.revoke({ targets: [{ service: 'stream' }], reason: 'superseded' })
    const later = published.list('later-delta.crl', deltaUrl)
    assert.deepEqual(
      [await verdict(stream, [whole]), await verdict(stream, [whole, later], '-use_deltas')],
      ['good', 'certificate revoked'],
    )
  })

  await t.test('a certificate is looked up in the shard that it names, and in no other', async () => {
    /** With the serial and the distribution point, and of the CA, of a service's certificate: by openssl alone. */
    const named = async (service: 'lake' | 'stream', serial = serials[service]) => {
      const url = leafListUrl(config, published.slot, serial)!
      const [key, request] = [`${serial}.key`, `${serial}.csr`].map((name) => join(mesh.folder, name))
      const subject = ['-subj', `/CN=${service}`, '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
      await openssl('req', '-new', ...subject, '-nodes', '-keyout', key!, '-out', request!)
      const extensions = `crlDistributionPoints=URI:${url}\nsubjectAltName=DNS:${service}.service.datapunk\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n`
      const certificate = join(mesh.folder, `${serial}.crt`)
      const signed = await openssl(
        ...[
          'x509',
          '-req',
          '-in',
          request!,
          '-CA',
          issuer,
          '-CAkey',
          join(mesh.layout.authority.keys, `${published.slot.id}.key`),
        ],
        ...['-set_serial', `0x${serial}`, '-days', '1', '-out', certificate],
        ...['-extfile', published.file('named.cnf', extensions)],
      )
      assert.equal(signed.code, 0, signed.stderr)
      return { certificate, list: published.list(`${service}.crl`, url), url }
    }
    const [ofLake, ofStream] = [await named('lake'), await named('stream')]
    assert.equal(await verdict(ofLake.certificate, [ofLake.list]), 'certificate revoked')
    const unrevoked = `${serials.lake.startsWith('41') ? '42' : '41'}${serials.lake.slice(2)}`
    const other = await named('lake', unrevoked)
    assert.deepEqual([other.url, await verdict(other.certificate, [other.list])], [ofLake.url, 'good'])
    if (ofLake.url !== ofStream.url) {
      assert.match(await verdict(ofLake.certificate, [ofStream.list]), /unable to get|scope/)
    }
  })
})
