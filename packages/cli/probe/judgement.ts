import { addressText, type RefusedCaller } from '@datapunk/protocol'
import { outcomeOf } from './answer.ts'
import type { ProbedPlace, Seen } from './attempt.ts'
import type { LiveCase } from './live-cases.ts'
import { type Cell, isGood } from './result.ts'

/** One try, and what is known of it by now. */
export interface Try {
  /** As `Way.name`; undefined where everybody speaks so. */
  readonly way: string | undefined
  readonly seen: Seen
  /** What the service has reported of this connection. */
  readonly told: RefusedCaller | undefined
}

export interface Question {
  readonly service: string
  readonly case: LiveCase
  readonly place: ProbedPlace
  readonly tries: readonly Try[]
  /**
   * Where the rule can be read: `reports`: of its live processes. `old`: those run a library that does not tell. `files`: it
   * reads files, and reports nothing. `unheard`: nobody of it is live.
   */
  readonly source: 'reports' | 'old' | 'files' | 'unheard'
  /** Every member may call it, and whoever reads files knows none of them by name. */
  readonly isOpen: boolean
  /** What the good certificate got, which is like the bad ones but for what is wrong with them. */
  readonly control: Seen | undefined
  /** Why what was shown is not the certificate of the service; undefined where it is, or nothing was shown. */
  readonly stranger: string | undefined
  /** A live process of it has not said that it knows what it is to refuse. */
  readonly isLate: boolean
  /** The certificate that was shown, as a file; undefined where there is none to look at. */
  readonly file: string | undefined
}

type Judged = Pick<Cell, 'verdict' | 'rule' | 'evidence' | 'fix'>

const RANK = ['let-in', 'unreachable', 'unproven', 'not-asked', 'answered', 'refused'] as const

/** Every way has to be refused; the worst of them counts. */
export function judge(question: Question): Cell {
  const [worst] = question.tries
    .map((one) => judgeTry(question, one))
    .sort((a, b) => RANK.indexOf(a.verdict) - RANK.indexOf(b.verdict))
  if (worst === undefined) throw new TypeError('nothing was tried')
  const cell = { service: question.service, case: question.case.id, ...worst }
  if (!question.isLate || isGood(cell)) return cell
  return { ...cell, evidence: `${cell.evidence}; and it has not acknowledged the newest bundle yet` }
}

function judgeTry(question: Question, one: Try): Judged {
  const { seen, told } = one
  const { place, service, stranger } = question
  if (seen.localPort === undefined) {
    const why = seen.error ?? 'no answer'
    const evidence = `nobody answers at ${addressText(place.host, place.port)} (${why})`
    return { verdict: 'unreachable', evidence, fix: `start ${service}; \`mtls doctor\` looks further` }
  }
  if (stranger !== undefined) {
    const fix = `see what listens at ${addressText(place.host, place.port)}, and what services.${service}.address says`
    return { verdict: 'unproven', evidence: stranger, fix }
  }
  return question.case.ways === undefined
    ? judgeCertificate(question, seen, told)
    : judgeHandshake(question, one)
}

/** It must not come to a handshake. */
function judgeHandshake(question: Question, { way, seen, told }: Try): Judged {
  const { case: asked, service } = question
  const inWords = ({ evidence, ...judged }: Judged) => ({ ...judged, evidence: `${way}: ${evidence}` })
  if (seen.protocol !== undefined) {
    const fix = `let ${service} speak what services.${service}.min_tls says, and nothing before; \`mtls doctor\` looks further`
    return inWords({ verdict: 'let-in', evidence: `it agreed to ${seen.protocol}`, fix })
  }
  return inWords(saidSo(asked, seen, told) ?? unproven(question, seen, told))
}

/** It comes to a handshake, and in TLS 1.3 it looks good from here; what counts is what is heard after it. */
function judgeCertificate(question: Question, seen: Seen, told: Try['told']): Judged {
  const { case: asked, control, source } = question
  const outcome = outcomeOf(seen)
  // Of any other status it is what somebody behind it was refused for.
  const code = outcome.isRefusal ? outcome.code : undefined
  if (code !== undefined && asked.rules.includes(code))
    return { verdict: 'refused', rule: code, evidence: `answered ${outcome.text}` }
  // The gate answers nobody whose certificate it has refused.
  if (code !== undefined) return otherRule(question, code)
  // Whoever reports has a gate that lets nobody else answer.
  const isHeard = seen.received !== '' && (source === 'reports' || !outcome.isRefusal)
  if (isHeard) return letIn(question, seen)
  const said = saidSo(asked, seen, told)
  if (said !== undefined) return said
  if (source === 'files' && outcome.isRefusal && told === undefined) {
    const [rule] = asked.rules
    if (asked.shows === 'current' && isOfRights(outcome.status, seen))
      return { verdict: 'refused', rule, evidence: outcome.text }
    const good = control && outcomeOf(control)
    // The one difference between the two is what is wrong with this one.
    if (asked.shows !== 'current' && control?.received && good && good.text !== outcome.text)
      return {
        verdict: 'refused',
        rule,
        evidence: `${outcome.text}, where a good certificate gets ${good.text}`,
      }
  }
  return unproven(question, seen, told)
}

/** Whoever is known, and has no right: what HTTP and PostgreSQL say after the certificate was taken. */
function isOfRights(status: number | undefined, { received }: Seen): boolean {
  return status === 401 || status === 403 || (status === undefined && received !== '')
}

/** By the alert, which says why, or by its own report of this connection. */
function saidSo(asked: LiveCase, { alert }: Seen, told: Try['told']): Judged | undefined {
  if (told !== undefined && asked.rules.includes(told.rule))
    return { verdict: 'refused', rule: told.rule, evidence: `reported ${told.rule}` }
  if (told === undefined && alert !== undefined && asked.alerts.includes(alert))
    return { verdict: 'refused', rule: asked.rules[0], evidence: `TLS alert ${alert}` }
  return undefined
}

function letIn(question: Question, seen: Seen): Judged {
  const { source, isOpen, case: asked, service, place } = question
  const { text } = outcomeOf(seen)
  if (asked.id === 'not-allowed' && isOpen) {
    const evidence = `every member may call it, and it knows the probe for one: ${text}`
    return { verdict: 'not-asked', evidence }
  }
  const fix =
    source === 'files'
      ? `see in the README, under “Not Node?”, how ${service} is to be set up, or let \`mtls proxy ${service}\` stand before it`
      : `see what listens at ${addressText(place.host, place.port)}: no server of the mesh lets it in; ${whyText(question)}`
  return { verdict: 'let-in', evidence: text, fix }
}

function unproven(question: Question, seen: Seen, told: Try['told']): Judged {
  const { source, service } = question
  const { text } = outcomeOf(seen)
  if (told !== undefined) return otherRule(question, told.rule)
  const [evidence, fix] = {
    reports: [
      `${text}, and its report does not tell of it`,
      `\`mtls probe ${service}\` again; ${whyText(question)}`,
    ],
    old: [
      `${text}, and its library does not report whom it refuses`,
      `update @datapunk/mesh in ${service}, and \`mtls probe ${service}\` again`,
    ],
    files: [`${text}, which says nothing of why`, `see the log of ${service}; ${whyText(question)}`],
    unheard: [
      `${text}, and nobody of it reports to the authority`,
      `start ${service} with \`mtls up\` running; where it reads files, say services.${service}.delivery: files`,
    ],
  }[source] as [string, string]
  return { verdict: 'unproven', evidence, fix }
}

function otherRule(question: Question, rule: string): Judged {
  const evidence = `refused for ${rule}, by its own word; expected: ${question.case.rules.join(' or ')}`
  return { verdict: 'unproven', rule, evidence, fix: whyText(question) }
}

/** What tells every rule of the gate about what was shown. */
function whyText({ service, file }: Question): string {
  const shown = file === undefined ? '' : ` --certificate ${file}`
  return `\`mtls why probe ${service}${shown}\` tells every rule`
}
