import { type Certificate, isSelfIssued } from '../certificate.ts'
import { checkNameConstraints } from '../constraints/name-constraints.ts'
import { equalOctets } from '../octets.ts'
import { PathBudget, pathBudget } from '../path-budget.ts'
import { PkiError } from '../pki-error.ts'
import {
  checkAuthorityUsage,
  checkDates,
  checkFitness,
  checkLeafUsage,
  refusal,
  type Usage,
} from './check-certificate.ts'
import { moreSpecific } from './error-rank.ts'
import { checkPeerName, type PeerName } from './peer-name.ts'
import { isSignedBy } from './signed-by.ts'

export interface PathRequest {
  readonly leaf: Certificate
  /** Certificates that may lie between; in any order, not trusted, useless ones do no harm. */
  readonly intermediates: readonly Certificate[]
  /**
   * Certificates that are trusted because the caller says so. Their own form, dates and constraints count
   * too.
   */
  readonly roots: readonly Certificate[]
  /** The moment for which to verify, in milliseconds since the epoch. */
  readonly at: number
  /** Who the leaf must be; left out where the caller looks at the names itself. */
  readonly name?: PeerName | undefined
  readonly usage: Usage
  /** How many intermediates that are not self-issued may lie between; 6 unless told. */
  readonly maxDepth?: number
}

/** Known to this file only, so that no other code can construct a verified path. */
const maker = Symbol('verifyPath')

/** A path that was verified. Only `verifyPath` makes one. */
export class VerifiedPath {
  /** Leaf first, root last. */
  readonly chain: readonly Certificate[]
  /** The whole chain is valid from here (milliseconds since the epoch) … */
  readonly notBefore: number
  /** … through the whole of this second. */
  readonly notAfter: number

  constructor(by: symbol, chain: readonly Certificate[]) {
    if (by !== maker) throw new TypeError('only verifyPath makes verified paths')
    this.chain = chain
    this.notBefore = Math.max(...chain.map(({ notBefore }) => notBefore))
    this.notAfter = Math.min(...chain.map(({ notAfter }) => notAfter))
  }
}

/**
 * Finds a path from the leaf to a root and verifies all of it (RFC 5280 §6.1, without policies: their
 * critical extensions are refused as unknown, RFC 9618 §6.5). Reads no clock, no disk, no network.
 *
 * @throws PkiError the most specific error of all the paths that were tried
 */
export function verifyPath(request: PathRequest): VerifiedPath {
  const { leaf, at, name, usage } = request
  // NaN is neither before nor after anything, and would make every date right.
  if (!Number.isFinite(at))
    throw new TypeError(`at is ${at}; it must be a time in milliseconds since the epoch`)
  const search: Search = { ...request, budget: new PathBudget(), failure: undefined }

  // 1 Somebody of that name is known. Without, nothing a stranger's certificate says is worth a more specific
  // answer.
  if (issuersOf(leaf, search).next().done) throw issuerUnknown(leaf)

  // 2 The leaf is fit to be one, valid now, and meant for this.
  checkFitness(leaf, 'leaf')
  checkDates(leaf, at)
  checkLeafUsage(leaf, usage)
  if (leaf.extensions.subjectAltName === undefined) {
    throw refusal(
      'NAME_MISSING',
      leaf,
      "it has no subject alternative name (common names don't count, RFC 9525 §2)",
    )
  }

  // 3 Issuer by issuer up to a root; every way is tried until one holds.
  const chain = climb([leaf], search)
  if (chain === undefined) throw search.failure ?? issuerUnknown(leaf)

  // 4 The leaf is who was wanted.
  if (name !== undefined) checkPeerName(leaf, name)
  return new VerifiedPath(maker, chain)
}

interface Search extends PathRequest {
  readonly budget: PathBudget
  /** The most specific error so far. */
  failure: PkiError | undefined
}

/** @returns the whole chain, or undefined when no way up from the last certificate of `chain` holds */
function climb(chain: readonly Certificate[], search: Search): readonly Certificate[] | undefined {
  const certificate = chain.at(-1) as Certificate
  let alone = true
  for (const { issuer, trusted } of issuersOf(certificate, search)) {
    if (chain.some((each) => isSameAuthority(each, issuer))) continue
    alone = false
    try {
      checkStep(issuer, chain, trusted, search)
    } catch (error) {
      note(error, search)
      continue
    }
    const longer = [...chain, issuer]
    const whole = trusted ? longer : climb(longer, search)
    if (whole !== undefined) return whole
  }
  if (alone) note(issuerUnknown(certificate), search)
  return undefined
}

/**
 * Everything that must hold between a chain and the next certificate above it. The cheap checks come first.
 */
function checkStep(
  issuer: Certificate,
  chain: readonly Certificate[],
  trusted: boolean,
  search: Search,
): void {
  const certificate = chain.at(-1) as Certificate
  checkKeyIdentifiers(certificate, issuer)
  checkFitness(issuer, trusted ? 'root' : 'issuing-ca')
  checkDates(issuer, search.at)
  checkAuthorityUsage(issuer, search.usage)
  checkLength(issuer, chain, trusted, search)
  checkSignature(certificate, issuer, search)
  checkNameConstraints(issuer, chain, search.budget)
}

/** Roots first: a short way is a good way. */
function* issuersOf(
  certificate: Certificate,
  { roots, intermediates, budget }: Search,
): Generator<Candidate> {
  for (const [trusted, candidates] of [
    [true, roots],
    [false, intermediates],
  ] as const) {
    for (const issuer of candidates) {
      budget.spend('candidates')
      // RFC 5280 §6.1.3 (a) (4); octet for octet, which is stricter than §7.1.
      if (issuer.subject.equals(certificate.issuer)) yield { issuer, trusted }
    }
  }
}

interface Candidate {
  readonly issuer: Certificate
  readonly trusted: boolean
}

/** RFC 5280 §4.2.1.1: where both sides name a key, it is the same. */
function checkKeyIdentifiers(certificate: Certificate, issuer: Certificate): void {
  const wanted = certificate.extensions.authorityKeyIdentifier?.keyIdentifier
  const found = issuer.extensions.subjectKeyIdentifier?.keyIdentifier
  if (wanted === undefined || found === undefined || equalOctets(wanted, found)) return
  throw refusal(
    'AUTHORITY_KEY_MISMATCH',
    certificate,
    `it was issued by another key than that of the known ${issuer.subject}; is it of another mesh, or from before a new CA?`,
  )
}

/** RFC 5280 §4.2.1.9, §6.1.4 (l), (m): certificates that are self-issued don't count. The leaf never does. */
function checkLength(
  issuer: Certificate,
  chain: readonly Certificate[],
  trusted: boolean,
  { maxDepth = pathBudget.depth }: Search,
): void {
  const below = chain.slice(1).filter((each) => !isSelfIssued(each)).length
  const allowed = issuer.extensions.basicConstraints?.pathLength ?? Number.POSITIVE_INFINITY
  if (below > allowed) {
    throw refusal(
      'PATH_LENGTH_EXCEEDED',
      issuer,
      `${below} CAs follow it; its path length allows ${allowed}`,
      {
        found: below,
        allowed,
      },
    )
  }
  const depth = trusted || isSelfIssued(issuer) ? below : below + 1
  if (!(depth <= maxDepth)) {
    throw refusal(
      'PATH_TOO_DEEP',
      issuer,
      `it would be intermediate number ${depth}; ${maxDepth} are allowed`,
      {
        found: depth,
        allowed: maxDepth,
      },
    )
  }
}

function checkSignature(certificate: Certificate, issuer: Certificate, { budget }: Search): void {
  if (!isSignedBy(certificate, issuer, () => budget.spend('signatures')))
    throw refusal('SIGNATURE_INVALID', certificate, `it is not signed by the key of ${issuer.subject}`)
}

/** RFC 4158 §5.2: a path never goes twice through one subject with one key. */
function isSameAuthority(one: Certificate, other: Certificate): boolean {
  return one === other || (one.subject.equals(other.subject) && equalOctets(one.spki, other.spki))
}

/** Keeps the error if it says more than those before it; lets everything through that ends the search. */
function note(error: unknown, search: Search): void {
  if (!(error instanceof PkiError) || error.code === 'PATH_BUDGET_EXCEEDED') throw error
  search.failure = search.failure === undefined ? error : moreSpecific(search.failure, error)
}

function issuerUnknown(certificate: Certificate): PkiError {
  const { issuer } = certificate
  return refusal(
    'ISSUER_UNKNOWN',
    certificate,
    isSelfIssued(certificate)
      ? 'it is signed by itself, and not one of the trusted roots'
      : `its issuer ${issuer} is not known here; is it of another mesh, or is an intermediate missing?`,
    { issuer: issuer.toString() },
  )
}
