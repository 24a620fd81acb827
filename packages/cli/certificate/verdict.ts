import { LogError } from '@datapunk/log'
import {
  checkCertificate,
  explainCertificate,
  type MeshDocuments,
  MeshError,
  type RuleVerdict,
} from '@datapunk/mesh'
import { type Certificate, checkPeerName, endOf, type PeerName, PkiError, type Usage } from '@datapunk/pki'
import { type Config, formatDocumentNumber, ProtocolError } from '@datapunk/protocol'
import { TlogError } from '@datapunk/tlog'
import { CliError } from '../cli-error.ts'
import { logSources } from '../logs/log-source.ts'
import { promisedFor, prove } from '../logs/logged-certificate.ts'
import { timeText } from '../text/time-text.ts'

/** One rule, and how it went; `passed` is null where an earlier refusal left nothing to judge. */
export interface RuleResult {
  readonly rule: string
  readonly passed: boolean | null
  readonly message: string
  /** What mends it; absent where nothing is broken, or the message says it. */
  readonly fix?: string
}

export interface Verdict {
  readonly accepted: boolean
  readonly rules: readonly RuleResult[]
}

export interface VerdictRequest {
  readonly config: Config
  readonly certificate: Certificate
  readonly mesh: MeshDocuments
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
  const valid = certificate.notBefore <= at && at < endOf(certificate.notAfter)
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
  const { certificate, mesh, config, at, name } = request
  const believed = { ...mesh, clockSkew: config.authority.clockSkew, at }
  const explained = (usage: Usage) => explainCertificate(certificate.der, usage, believed).map(resultOf)
  const [asServer, asClient] = [explained('serverAuth'), explained('clientAuth')]
  const rules = [
    ...named('path', asServer).map((path) => ({ ...path, rule: 'path as a server' })),
    ...named('path', asClient).map((path) => ({ ...path, rule: 'path as a client' })),
    ...asServer.filter(({ rule }) => !TOLD_OTHERWISE.includes(rule)),
    ...(name === undefined ? [] : [wantedRule(certificate, name)]),
    ...(await loggedRules(request)),
  ]
  if (rules.some(({ passed }) => passed !== true)) return rules
  return [...rules, gateRule(request, 'serverAuth'), gateRule(request, 'clientAuth')]
}

/** The path is told for either use, and of the log more than peers look at. */
const TOLD_OTHERWISE: readonly string[] = ['certificate', 'path', 'logged', 'staple']

function named(name: string, rules: readonly RuleResult[]): RuleResult[] {
  return rules.filter(({ rule }) => rule === name)
}

function resultOf({ code, message, ...verdict }: RuleVerdict): RuleResult {
  return { ...verdict, message: code === undefined ? message : `${message} [${code}]` }
}

function gateRule({ certificate, config, at }: VerdictRequest, usage: Usage): RuleResult {
  const rule = usage === 'serverAuth' ? 'a caller’s gate' : 'a server’s gate'
  try {
    const { service } = checkCertificate(certificate.der, { config, at, usage })
    return { rule, passed: true, message: `lets ${service} pass` }
  } catch (error) {
    if (!(error instanceof MeshError && error.code === 'CERTIFICATE_REFUSED')) throw error
    return { rule, passed: false, message: `${error.message} [${error.data.rule}]` }
  }
}

/** Of the name alone: what it may be used for, the rules of its path say. */
function wantedRule(certificate: Certificate, name: PeerName): RuleResult {
  const rule = 'wanted name'
  try {
    checkPeerName(certificate, name)
    return { rule, passed: true, message: Object.values(name).join('') }
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    return { rule, passed: false, message: `${error.message} [${error.code}]` }
  }
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
  const { transparency } = mesh.bundle
  const promised = promisedFor(certificate, mesh.trust, at + config.authority.clockSkew)
  if (promised === undefined) {
    if (transparency === undefined && certificate.extensions.scts === undefined) return []
    const message = 'found no SCT that holds of a log that the trust statement names'
    return [
      {
        rule,
        passed: transparency !== 'required',
        message: transparency === 'report' ? `${message}; peers report it` : message,
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
