import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { decodePem, parseCertificate, verifyPath } from '@datapunk/pki'
import {
  type Bundle,
  followTrustStatements,
  keyIdOf,
  openBundle,
  pinOf,
  type SignedTrustStatement,
  trustStatementNumbers,
} from '@datapunk/protocol'
import { Disk } from '../disk/disk.ts'
import { PairFolder } from '../disk/pair.ts'
import type { Engine } from '../engine/engine.ts'
import { decodeSettings } from '../services/settings.ts'

/**
 * What a peer that has only files makes of them.
 *
 * @param from what it believed before; else it begins at the first root
 */
export function readAsPeer(
  { layout, config, clock }: Engine,
  from?: SignedTrustStatement,
): { trust: SignedTrustStatement; bundle: Bundle } {
  const anchors = decodePem(readFileSync(config.paths.caCert), 'CERTIFICATE').map(parseCertificate)
  const numbers = trustStatementNumbers(readdirSync(layout.mesh.trustDir))
  const statements = numbers.map((number) => readFileSync(layout.mesh.trustStatement(number)))
  const latest = clock() + config.authority.clockSkew
  const trust = followTrustStatements(
    statements,
    from === undefined ? { anchors } : { previous: from },
    latest,
  )
  const bundle = openBundle(
    readFileSync(layout.mesh.head),
    (digest) => readFileSync(layout.mesh.section(digest)),
    trust,
    { latest },
  )
  return { trust, bundle }
}

/** The pair of a service is whole, chains to the trust statement, is for its name, and its key is pinned. @returns its serial */
export function checkPair(engine: Engine, service: string): string {
  const pair = new PairFolder(engine.layout.instance(service).dir, new Disk()).read()
  assert.ok(pair !== undefined, `${service} has a pair`)
  const place = engine.store.services().find((row) => row.service === service)?.settings
  if (place !== undefined) {
    const { cert, key } = decodeSettings(place)
    assert.equal(readFileSync(cert, 'utf8'), pair.certificatePem)
    assert.equal(readFileSync(key, 'utf8'), pair.keyPem)
  }
  const { trust, bundle } = readAsPeer(engine)
  const leaf = pair.certificate
  verifyPath({
    leaf,
    intermediates: trust.issuingCas,
    roots: trust.roots,
    at: engine.clock(),
    name: { dns: `${service}.service.internal` },
    usage: 'serverAuth',
  })
  const isPinned =
    bundle.pins?.mode !== 'required' ||
    !bundle.members.has(service) ||
    bundle.pins.of.get(service)?.has(pinOf(keyIdOf(leaf.spki)))
  assert.ok(isPinned, `the key that ${service} shows is pinned`)
  return leaf.serial
}
