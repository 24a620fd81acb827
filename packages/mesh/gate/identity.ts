import { createPrivateKey, type KeyObject } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { inspect } from 'node:util'
import {
  type Certificate,
  decodePem,
  localSigner,
  PkiError,
  parseCertificate,
  type Signer,
  spkiOf,
  type Usage,
} from '@datapunk/pki'
import { MeshError } from '../error.ts'
import type { PairText } from '../files/pair-file.ts'
import { Refused } from '../refusal.ts'
import { examine } from './examine.ts'
import type { Standing } from './standing.ts'
import type { MeshView } from './view.ts'

/**
 * A service's own certificate and key, after every check that its peers will make. There is no other way to get one than
 * `identityOf`, and the key can't be printed by accident.
 */
export class Identity {
  readonly leaf: Certificate
  /** The issuing CA that has signed it, by the `keyIdOf` of its key. */
  readonly issuer: string
  /** Milliseconds since the epoch. */
  readonly notAfter: number
  /** The certificate file, links resolved. */
  readonly file: string
  readonly #text: PairText
  #signer: Signer | undefined

  constructor(leaf: Certificate, { issuer, notAfter }: Standing, text: PairText) {
    this.leaf = leaf
    this.issuer = issuer
    this.notAfter = notAfter
    this.file = text.certFile
    this.#text = text
  }

  /** PEM, for OpenSSL: the leaf and what stands above it, and the key. */
  credentials(): { cert: Buffer; key: Buffer } {
    return { cert: this.#text.cert, key: this.#text.key }
  }

  /** Signs what this instance says to the authority. */
  signer(): Signer {
    this.#signer ??= localSigner(createPrivateKey(this.#text.key))
    return this.#signer
  }

  /**
   * The same pair under another view, or later.
   *
   * @param at milliseconds since the epoch
   * @throws MeshError `CERTIFICATE_REFUSED`
   */
  under(view: MeshView, at: number): Identity {
    const standing = standingOf(this.leaf, view, at, this.#text)
    const isSame = standing.issuer === this.issuer && standing.notAfter === this.notAfter
    return isSame ? this : new Identity(this.leaf, standing, this.#text)
  }

  /** Whether this is what the files say. */
  isOf(text: PairText): boolean {
    return this.#text.cert.equals(text.cert) && this.#text.key.equals(text.key)
  }

  /** Whether its peers would still take it, under this view. */
  isGood(view: MeshView, at: number): boolean {
    try {
      examine(this.leaf.der, view, 'serverAuth', at)
      return true
    } catch {
      return false
    }
  }

  [inspect.custom](): string {
    return `Identity ${this.leaf.subject} ${this.leaf.serial}`
  }
}

/**
 * Checks a pair as its peers will: key and certificate match, and the certificate is good under this view, to serve and
 * to call, and is this service's.
 *
 * @param at milliseconds since the epoch
 * @throws MeshError `CERTIFICATE_*`, `KEY_*`, `PAIR_SWAPPED`
 */
export function identityOf(text: PairText, view: MeshView, at: number): Identity {
  const leaf = parseLeaf(text)
  const key = parseKey(text)
  if (!Buffer.from(spkiOf(key)).equals(leaf.spki)) {
    throw new MeshError(
      'KEY_MISMATCH',
      `found in ${text.keyFile} another key than the one ${text.certFile} is for; allowed: the two of one pair: \`mtls apply\` writes it anew`,
      { data: { cert: text.certFile, key: text.keyFile } },
    )
  }
  const standing = standingOf(leaf, view, at, text)
  checkServable(text)
  return new Identity(leaf, standing, text)
}

/** As its peers will judge it, to serve and to call. */
function standingOf(leaf: Certificate, view: MeshView, at: number, text: PairText): Standing {
  const [standing] = (['serverAuth', 'clientAuth'] satisfies Usage[]).map((usage) => {
    const standing = examineOwn(leaf, view, usage, at, text)
    if (standing.member.service !== view.service) throw ofAnother(view.service, standing.member.service, text)
    return standing
  }) as [Standing, Standing]
  return standing
}

function examineOwn(leaf: Certificate, view: MeshView, usage: Usage, at: number, text: PairText): Standing {
  try {
    return examine(leaf.der, view, usage, at)
  } catch (cause) {
    if (!(cause instanceof Refused)) throw cause
    throw new MeshError('CERTIFICATE_REFUSED', `${text.certFile}: ${cause.message}: ${cause.fix}`, {
      cause,
      data: { file: text.certFile, rule: cause.rule },
    })
  }
}

function parseLeaf({ certFile, cert }: PairText): Certificate {
  refuseSwapped(certFile, cert, 'CERTIFICATE')
  try {
    const [leaf] = decodePem(cert, 'CERTIFICATE').map(parseCertificate)
    return leaf as Certificate
  } catch (cause) {
    if (!(cause instanceof PkiError)) throw cause
    throw new MeshError(
      'CERTIFICATE_UNREADABLE',
      `found in ${certFile} no whole certificate (${cause.message}); allowed: PEM, leaf first: \`mtls apply\` writes it anew`,
      { cause, data: { file: certFile } },
    )
  }
}

function parseKey({ keyFile, key }: PairText): KeyObject {
  refuseSwapped(keyFile, key, 'PRIVATE KEY')
  try {
    return createPrivateKey(key)
  } catch {
    // OpenSSL's error is left out: nothing that was read from a key file belongs in a message.
    throw new MeshError(
      'KEY_UNREADABLE',
      `found in ${keyFile} no whole private key; allowed: unencrypted PKCS#8 in PEM: \`mtls apply\` writes it anew`,
      { data: { file: keyFile } },
    )
  }
}

/** OpenSSL reads the whole file, and its own way: were that left to the next handshake, it would end the process. */
function checkServable({ certFile, cert, key }: PairText): void {
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new MeshError(
      'CERTIFICATE_UNREADABLE',
      `found in ${certFile} what OpenSSL can’t serve with (${code}); allowed: a chain in PEM, leaf first: \`mtls apply\` writes it anew`,
      { data: { file: certFile, openssl: code } },
    )
  }
}

function refuseSwapped(file: string, content: Buffer, expected: 'CERTIFICATE' | 'PRIVATE KEY'): void {
  const label = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(content.toString('latin1'))?.[1]
  if (label === undefined || (label === 'CERTIFICATE') === (expected === 'CERTIFICATE')) return
  throw new MeshError(
    'PAIR_SWAPPED',
    `found in ${file} a block of "${label}"; allowed: "${expected}": cert and key of the config file look swapped`,
    { data: { file, found: label, allowed: expected } },
  )
}

function ofAnother(service: string, found: string, { certFile }: PairText): MeshError {
  return new MeshError(
    'CERTIFICATE_REFUSED',
    `${certFile}: found the certificate of ${found}; allowed: that of ${service}: see services.${service}.cert, or run \`mtls apply\``,
    { data: { file: certFile, rule: 'OTHER_SERVICE', found, service } },
  )
}
