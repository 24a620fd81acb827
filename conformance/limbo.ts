import {
  type Certificate,
  checkCrl,
  decodePem,
  type PeerName,
  PkiError,
  parseCertificate,
  parseCrl,
  type VerifiedPath,
  verifyPath,
} from '@datapunk/pki'

/** One case of C2SP x509-limbo, as far as a path verification uses it. */
export interface LimboCase {
  readonly id: string
  readonly validation_kind: 'CLIENT' | 'SERVER'
  readonly trusted_certs: readonly string[]
  readonly untrusted_intermediates: readonly string[]
  readonly peer_certificate: string
  readonly crls?: readonly string[]
  /** RFC 3339; null means now. */
  readonly validation_time: string | null
  readonly expected_peer_name: { readonly kind: 'DNS' | 'IP' | 'RFC822'; readonly value: string } | null
  readonly max_chain_depth: number | null
  readonly expected_result: Outcome
}

export type Outcome = 'SUCCESS' | 'FAILURE'

/**
 * What `verifyPath` and, where there are revocation lists, `checkCrl` say about a case, and why. An error that is no `PkiError` is a bug, and is thrown on.
 */
export function limboVerdict(limboCase: LimboCase, now: number): { outcome: Outcome; reason: string } {
  const at = limboCase.validation_time === null ? now : Date.parse(limboCase.validation_time)
  try {
    const path = verifyPath({
      leaf: parseCertificate(decodeOne(limboCase.peer_certificate)),
      intermediates: limboCase.untrusted_intermediates.flatMap(readable),
      roots: limboCase.trusted_certs.flatMap(readable),
      at,
      name: peerName(limboCase),
      usage: limboCase.validation_kind === 'CLIENT' ? 'clientAuth' : 'serverAuth',
      ...(limboCase.max_chain_depth !== null && { maxDepth: limboCase.max_chain_depth }),
    })
    const revoked = revokedOn(path, limboCase.crls ?? [], at)
    if (revoked !== undefined) return { outcome: 'FAILURE', reason: `${revoked.subject} is revoked` }
    return { outcome: 'SUCCESS', reason: 'verified' }
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    return { outcome: 'FAILURE', reason: `${error.code}: ${error.message}` }
  }
}

/**
 * The first certificate of a path that a list of its issuer revokes (RFC 5280 §6.3). Whose issuer has none is let by, as the suite
 * expects; a list that can't be read or believed is no reason to do so.
 *
 * @throws PkiError
 */
function revokedOn({ chain }: VerifiedPath, pems: readonly string[], at: number): Certificate | undefined {
  const lists = pems.map((pem) => parseCrl(decodePem(pem, 'X509 CRL')[0] as Uint8Array))
  return chain.find((certificate, index) => {
    const issuer = chain[index + 1]
    if (issuer === undefined) return false
    const own = lists.filter((list) => list.issuer.equals(issuer.subject))
    return own.some((list) => checkCrl(list, { issuer, at }).statusOf(certificate.serialBytes, at).revoked)
  })
}

/** What cannot be read is of no use to a path, and must not spoil one that goes without it. */
function readable(pem: string): Certificate[] {
  try {
    return [parseCertificate(decodeOne(pem))]
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    return []
  }
}

function decodeOne(pem: string): Uint8Array {
  return decodePem(pem, 'CERTIFICATE')[0] as Uint8Array
}

/** E-mail names are asked for by no caller of ours; those cases are verified without a name. */
function peerName({ expected_peer_name: name }: LimboCase): PeerName | undefined {
  if (name?.kind === 'DNS') return { dns: name.value }
  return name?.kind === 'IP' ? { ip: name.value } : undefined
}
