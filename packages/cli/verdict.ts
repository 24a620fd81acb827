import { LogError } from '@datapunk/log'
import { checkCertificate, MeshError } from '@datapunk/mesh'
import { type Certificate, type PeerName, PkiError, parseSpiffeId, verifyPath } from '@datapunk/pki'
import { type Config, formatDocumentNumber, type Member, ProtocolError } from '@datapunk/protocol'
import { TlogError } from '@datapunk/tlog'
import { CliError } from './cli-error.ts'
import { logSources } from './logs/log-source.ts'
import { promisedFor, prove } from './logs/logged-certificate.ts'
import type { PublishedMesh } from './published-mesh.ts'
import { timeText } from './time-text.ts'

/** One rule, and how it went; `passed` is null where an earlier refusal left nothing to judge. */
export interface RuleResult {
  readonly rule: string
  readonly passed: boolean | null
  readonly message: string
}

export interface Verdict {
  readonly accepted: boolean
  readonly rules: readonly RuleResult[]
}

export interface VerdictRequest {
  readonly config: Config
  readonly certificate: Certificate
  readonly mesh: PublishedMesh
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Who the certificate must be for. */
  readonly name: PeerName | undefined
  /** Where its log is read: as `mtls log --from`; the logs that lie here, unless told. */
  readonly from?: string | undefined
}

/**
 * What every peer of the mesh would say to a certificate: the rules one by one, by the trust statement and the bundle,
 * never by certificates that came along; then the gate's own code, so that this can't be kinder than a peer.
 */
export async function verdictOn(request: VerdictRequest): Promise<Verdict> {
  const rules = isCaOf(request) ? caRules(request) : await leafRules(request)
  return { accepted: rules.every(({ passed }) => passed === true), rules }
}

function isCaOf({ certificate, mesh }: VerdictRequest): boolean {
  const { roots, issuingCas } = mesh.trust
  return [...roots, ...issuingCas].some((ca) => Buffer.from(ca.der).equals(certificate.der))
}

function caRules({ certificate, mesh, at }: VerdictRequest): RuleResult[] {
  const { number } = mesh.trust
  const valid = certificate.notBefore <= at && at <= certificate.notAfter
  return [
    {
      rule: 'listed',
      passed: true,
      message: `a CA of this mesh, by trust statement ${formatDocumentNumber(number)}`,
    },
    {
      rule: 'dates',
      passed: valid,
      message: `valid from ${timeText(certificate.notBefore)} until ${timeText(certificate.notAfter)}`,
    },
  ]
}

async function leafRules(request: VerdictRequest): Promise<RuleResult[]> {
  const { certificate, mesh, name } = request
  const member = memberOf(certificate, mesh)
  const rules = [
    pathRule(request, 'serverAuth'),
    pathRule(request, 'clientAuth'),
    memberRule(certificate, mesh, member),
    namesRule(certificate, member),
    subjectRule(certificate, member),
    ...(name === undefined ? [] : [wantedRule(request, name)]),
    ...(await loggedRules(request)),
  ]
  if (rules.some(({ passed }) => passed !== true)) return rules
  return [...rules, await gateRule(request, 'serverAuth'), await gateRule(request, 'clientAuth')]
}

async function gateRule(
  { certificate, config, at }: VerdictRequest,
  usage: 'serverAuth' | 'clientAuth',
): Promise<RuleResult> {
  const rule = usage === 'serverAuth' ? 'a caller’s gate' : 'a server’s gate'
  try {
    const { service } = await checkCertificate(certificate.der, { config, at, usage })
    return { rule, passed: true, message: `lets ${service} pass` }
  } catch (error) {
    if (!(error instanceof MeshError && error.code === 'CERTIFICATE_REFUSED')) throw error
    return { rule, passed: false, message: `${error.message} [${error.data.rule}]` }
  }
}

/** Signatures, dates, CA flags, path length, name constraints, key usage, extended key usage: all of `verifyPath`. */
function pathRule(request: VerdictRequest, usage: 'serverAuth' | 'clientAuth'): RuleResult {
  const rule = usage === 'serverAuth' ? 'path as a server' : 'path as a client'
  return tried(rule, () => {
    const { chain, notAfter } = path(request, usage)
    const authorities = chain.slice(1).map(({ subject }) => subject.commonName ?? subject.toString())
    return `signed by ${authorities.join(', by ')}; valid until ${timeText(notAfter)}`
  })
}

function path(
  { certificate, mesh, at }: VerdictRequest,
  usage: 'serverAuth' | 'clientAuth',
  name?: PeerName,
) {
  const { issuingCas, roots } = mesh.trust
  return verifyPath({ leaf: certificate, intermediates: issuingCas, roots, at, usage, name })
}

function memberOf(certificate: Certificate, { bundle }: PublishedMesh): Member | undefined {
  const { uris = [] } = certificate.extensions.subjectAltName ?? {}
  return uris.length === 1 ? bundle.memberBySpiffeId.get(uris[0] as string) : undefined
}

function memberRule(
  certificate: Certificate,
  { trust }: PublishedMesh,
  member: Member | undefined,
): RuleResult {
  return tried('member', () => {
    const { uris = [] } = certificate.extensions.subjectAltName ?? {}
    const [uri] = uris
    if (uri === undefined || uris.length > 1)
      throw new Refusal(`found ${uris.length} URIs; allowed: exactly one, a SPIFFE ID`)
    parseSpiffeId(uri)
    if (member === undefined) throw new Refusal(`found ${uri}; allowed: the members of ${trust.trustDomain}`)
    return `${member.service}, ${uri}`
  })
}

function namesRule(certificate: Certificate, member: Member | undefined): RuleResult {
  if (member === undefined) return unjudged('names')
  return tried('names', () => {
    const { dnsNames = [], ipAddresses = [] } = certificate.extensions.subjectAltName ?? {}
    const allowed = [...member.dnsNames, ...member.ipAddresses]
    const found = [...dnsNames, ...ipAddresses]
    const foreign = found.filter((name) => !allowed.includes(name.toLowerCase()))
    if (foreign.length > 0) throw new Refusal(`found ${foreign.join(', ')}; allowed: ${allowed.join(', ')}`)
    return found.join(', ')
  })
}

function subjectRule({ subject }: Certificate, member: Member | undefined): RuleResult {
  if (member === undefined) return unjudged('subject')
  return tried('subject', () => {
    const found = `O=${subject.organization.join('+')}, C=${subject.country.join('+')}`
    const allowed = member.subjects.map(({ organization, country }) => `O=${organization}, C=${country}`)
    if (!allowed.includes(found)) throw new Refusal(`found ${found}; allowed: ${allowed.join(' or ')}`)
    return found
  })
}

function wantedRule(request: VerdictRequest, name: PeerName): RuleResult {
  return tried('wanted name', () => {
    path(request, 'serverAuth', name)
    return Object.values(name).join('')
  })
}

/** That a log has promised it, and keeps its promise, as far as the log can be read; nothing where nobody asks for it. */
async function loggedRules({
  certificate,
  mesh,
  config,
  at,
  from,
}: VerdictRequest): Promise<readonly RuleResult[]> {
  const rule = 'logged'
  const { scts } = mesh.bundle
  const promised = promisedFor(certificate, mesh.trust, at + config.authority.clockSkew)
  if (promised === undefined) {
    if (scts === undefined && certificate.extensions.scts === undefined) return []
    const message = 'found no SCT that holds of a log that the trust statement names'
    return [
      {
        rule,
        passed: scts !== 'required',
        message: scts === 'report' ? `${message}; peers report it` : message,
      },
    ]
  }
  try {
    const sources = await logSources(config, mesh.trust, from)
    const source = sources.find(({ id }) => id === promised.sct.log)
    if (source === undefined)
      return [
        {
          rule,
          passed: true,
          message: 'its SCT holds; its entry was not looked for, in a log that is not here',
        },
      ]
    const { checkpoint, log } = (await prove(promised, source)).source
    const message = `entry ${promised.leafIndex} of ${checkpoint.size} of ${log.origin}, proven`
    return [{ rule, passed: true, message }]
  } catch (error) {
    if (error instanceof CliError && error.code === 'NOTHING_TO_SHOW')
      return [
        { rule, passed: true, message: `its SCT holds; its entry was not looked for: ${error.message}` },
      ]
    if ([LogError, PkiError, ProtocolError, TlogError].some((kind) => error instanceof kind))
      return [
        { rule, passed: false, message: `${(error as LogError).message} [${(error as LogError).code}]` },
      ]
    throw error
  }
}

/** A rule's refusal that is not already a PkiError; it never leaves this file. */
class Refusal extends Error {}

function tried(rule: string, check: () => string): RuleResult {
  try {
    return { rule, passed: true, message: check() }
  } catch (error) {
    if (error instanceof PkiError) return { rule, passed: false, message: `${error.message} [${error.code}]` }
    if (error instanceof Refusal) return { rule, passed: false, message: error.message }
    throw error
  }
}

function unjudged(rule: string): RuleResult {
  return { rule, passed: null, message: 'not judged: it is no member' }
}
