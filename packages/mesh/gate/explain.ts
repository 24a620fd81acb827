import { hash } from 'node:crypto'
import type { Certificate, Usage } from '@datapunk/pki'
import type { Bundle, Member, SignedTrustStatement } from '@datapunk/protocol'
import { type Refusal, Refused, type Rule } from '../refusal.ts'
import { callerRule, targetRule } from './call-rules.ts'
import { opensslFingerprint } from './examine.ts'
import { type Contact, noCertificate, pass, recordOf, usageOf } from './gate.ts'
import type { GateStep } from './gate-step.ts'
import { issuerOf, leafOf, memberNamed, memberOf, pathOf } from './leaf-steps.ts'
import { loggedRule, memberRules } from './member-rules.ts'
import { ownRevocation, ownRules } from './own-rules.ts'
import { resolveTarget } from './resolve.ts'
import { isMustStaple } from './staple.ts'
import { MeshView } from './view.ts'

/** One rule of the gate, and how it went. */
export interface RuleVerdict {
  /** For people. */
  readonly rule: string
  /** Null where there was nothing to judge, or an earlier rule has left nothing. */
  readonly passed: boolean | null
  /** The evidence; where the rule is broken, what was found and what is allowed. */
  readonly message: string
  /** What mends it; absent where nothing is broken. */
  readonly fix?: string
  /** By which the gate would refuse; absent where it would not. */
  readonly code?: Rule
}

/** A verdict of the gate, and how it came about. */
export interface Explanation {
  /** The gate's refusal; undefined where it lets the peer pass, or `unread` leaves it open. */
  readonly refusal: Refusal | undefined
  /** Whether a certificate could not be looked at, so that not every rule was judged. */
  readonly unread: boolean
  readonly rules: readonly RuleVerdict[]
}

/** What is believed. */
export interface Believed {
  readonly trust: SignedTrustStatement
  readonly bundle: Bundle
  /** What the clocks of two machines may differ by, milliseconds. */
  readonly clockSkew: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface CallQuestion extends Believed {
  readonly caller: CallEnd
  readonly callee: CallEnd
}

export interface CallEnd {
  readonly service: string
  /** The certificate that it shows, DER; undefined for none. */
  readonly certificate: Uint8Array | undefined
  /** Why what it shows could not be looked at; `certificate` is undefined then, and that says nothing. */
  readonly unread?: string | undefined
}

/**
 * Would this call come about? Both gates, by the code of the handshake; what only a handshake can show (OpenSSL's own
 * verdict, a staple) is left out.
 */
export function explainCall(question: CallQuestion): {
  readonly callee: Explanation
  readonly caller: Explanation
} {
  const { caller, callee } = question
  return {
    callee: explainContact(callee, caller, 'in', question),
    caller: explainContact(caller, callee, 'out', question),
  }
}

/** The rules that every peer asks about a certificate, whoever shows it to whom. */
export function explainCertificate(
  certificate: Uint8Array,
  usage: Usage,
  believed: Believed,
): readonly RuleVerdict[] {
  const walk = new Walk()
  walkCertificate(walk, certificate, { view: viewOf('', believed), usage, at: believed.at })
  return walk.rules
}

function explainContact(
  self: CallEnd,
  other: CallEnd,
  direction: Contact['direction'],
  believed: Believed,
): Explanation {
  const { at } = believed
  const view = viewOf(self.service, believed)
  const own = { view, serial: serialOf(self.certificate), at }
  const walk = new Walk()
  for (const rule of ownRules) {
    if (rule === ownRevocation && self.unread !== undefined) walk.tell(rule.name, null, self.unread)
    else walk.ask(rule, own)
  }
  if (other.unread !== undefined)
    return explainUnread(walk, { other, unread: other.unread, direction, view, at })
  const shown =
    other.certificate === undefined
      ? walk.noCertificate(direction)
      : walkCertificate(walk, other.certificate, { view, usage: usageOf({ direction }), at })
  // Who would call is known besides: whether it may is worth telling, whatever it shows.
  const member = other.certificate === undefined ? view.bundle.members.get(other.service) : shown?.member
  const target =
    direction === 'out' && view.bundle.members.has(other.service) ? targetOf(view, other) : undefined
  const end = member && { member, leaf: shown?.leaf }
  if (direction === 'in') walk.ask(callerRule, end && { ...end, view })
  else walk.ask(targetRule, end?.leaf && target && { ...end, target })
  const contact: Contact = {
    direction,
    leaf: other.certificate && presented(other.certificate),
    openssl: undefined,
    remote: () => undefined,
    ...(target && { target }),
  }
  const unread = self.unread !== undefined
  try {
    pass(contact, own)
    return { refusal: undefined, unread, rules: walk.rules }
  } catch (error) {
    return { refusal: recordOf(contact, view, at, error), unread, rules: walk.rules }
  }
}

interface UnreadContact {
  readonly other: CallEnd
  readonly unread: string
  readonly direction: Contact['direction']
  readonly view: MeshView
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** What the bundle says of the service itself decides without its certificate; the rules about that stay open. */
function explainUnread(walk: Walk, { other, unread, direction, view, at }: UnreadContact): Explanation {
  for (const rule of ['certificate', 'path']) walk.tell(rule, null, unread)
  const member = walk.find('member', () => memberNamed(other.service, view), memberText)
  for (const { name } of [...memberRules, loggedRule]) walk.tell(name, null, unread)
  if (direction === 'in') walk.ask(callerRule, member && { member, leaf: undefined, view })
  else walk.tell(targetRule.name, null, unread)
  const target = direction === 'out' && member ? targetOf(view, other) : undefined
  const contact: Contact = {
    ...{ direction, leaf: undefined, openssl: undefined, remote: () => undefined },
    ...(target && { target }),
  }
  const refusal = walk.refused && recordOf(contact, view, at, walk.refused)
  return { refusal, unread: true, rules: walk.rules }
}

interface Shown {
  readonly leaf: Certificate | undefined
  readonly member: Member | undefined
}

interface Judging {
  readonly view: MeshView
  readonly usage: Usage
  /** Milliseconds since the epoch. */
  readonly at: number
}

function walkCertificate(walk: Walk, der: Uint8Array, { view, usage, at }: Judging): Shown {
  const leaf = walk.find('certificate', () => leafOf(der), certificateText)
  const path = leaf && walk.find('path', () => pathOf(leaf, view, usage, at), pathText)
  const member = leaf && walk.find('member', () => memberOf(leaf, view), memberText)
  const judged = leaf && member && { leaf, member, view }
  for (const rule of memberRules) walk.ask(rule, judged)
  const fingerprint = hash('sha256', der, 'hex')
  walk.ask(loggedRule, judged && path && { ...judged, fingerprint, issuerSpki: issuerOf(path), at })
  if (leaf && usage === 'serverAuth' && isMustStaple(leaf)) {
    walk.tell('staple', null, 'it must come with an OCSP staple (RFC 7633), which only a handshake shows')
  }
  return { leaf, member }
}

/** Every rule is asked, as far as the rules before have left something to ask about. */
class Walk {
  readonly rules: RuleVerdict[] = []
  /** By the first rule that was broken. */
  refused: Refused | undefined

  tell(rule: string, passed: boolean | null, message: string): void {
    this.rules.push({ rule, passed, message })
  }

  find<Found>(rule: string, find: () => Found, evidence: (found: Found) => string): Found | undefined {
    try {
      const found = find()
      this.tell(rule, true, evidence(found))
      return found
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const { message, fix, rule: code } = error
      this.refused ??= error
      this.rules.push({ rule, passed: false, message, fix, code })
      return undefined
    }
  }

  /** @param subject undefined: an earlier rule is broken that it would have come from */
  ask<Subject>({ name, check, evidence }: GateStep<Subject>, subject: Subject | undefined): void {
    if (subject === undefined) this.tell(name, null, 'not judged, for what is refused above')
    else {
      this.find(
        name,
        () => check(subject),
        (reported) => (reported === undefined ? evidence(subject) : `only reported: ${reported.message}`),
      )
    }
  }

  noCertificate(direction: Contact['direction']): undefined {
    const refuse = () => {
      throw noCertificate({ direction })
    }
    this.find('certificate', refuse, () => '')
  }
}

function viewOf(service: string, { trust, bundle, clockSkew }: Believed): MeshView {
  return new MeshView({ service, trust, bundle, file: { allow: 'members', minTls: '1.3', clockSkew } })
}

/** Where nothing says the port, the caller names one; it decides nothing. */
function targetOf(view: MeshView, { service }: CallEnd) {
  return resolveTarget(view, service, view.bundle.members.get(service)?.address?.port ?? 443)
}

function serialOf(der: Uint8Array | undefined): string | undefined {
  try {
    return der && leafOf(der).serial
  } catch {
    return undefined
  }
}

function presented(der: Uint8Array): Contact['leaf'] {
  return { fingerprint256: opensslFingerprint(hash('sha256', der, 'hex')), raw: der }
}

function certificateText({ subject, serial }: Certificate): string {
  return `${subject}, serial ${serial}`
}

function memberText({ service, spiffeId }: Member): string {
  return `${service}, ${spiffeId}`
}

function pathText({ chain, notAfter }: ReturnType<typeof pathOf>): string {
  const authorities = chain.slice(1).map(({ subject }) => subject.commonName ?? subject.toString())
  return `signed by ${authorities.join(', by ')}; valid until ${new Date(notAfter).toISOString().replace('.000Z', 'Z')}`
}
