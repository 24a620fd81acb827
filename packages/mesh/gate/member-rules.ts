import type { Certificate } from '@datapunk/pki'
import { formatDocumentNumber, keyIdOf, type Member, pinOf } from '@datapunk/protocol'
import { Refused } from '../refusal.ts'
import { checkLogged, type LoggedCheck, loggedText } from './check-logged.ts'
import type { GateStep } from './gate-step.ts'
import { ownPair } from './leaf-steps.ts'
import type { MeshView } from './view.ts'

/** A certificate of a member, to be judged by one view. */
export interface JudgedLeaf {
  readonly leaf: Certificate
  readonly member: Member
  readonly view: MeshView
}

/** Steps 2 to 4 of the gate for a certificate that says whose it is. */
export const memberRules: readonly GateStep<JudgedLeaf>[] = [
  { name: 'names', check: checkNames, evidence: ({ leaf }) => namesOf(leaf).join(', ') },
  {
    name: 'subject',
    check: checkSubject,
    evidence: ({ leaf }) => acceptedText(leaf),
  },
  {
    name: 'revoked',
    check: checkRevoked,
    evidence: ({ leaf }) => `${leaf.serial} is not revoked`,
  },
  { name: 'pinned', check: checkPinned, evidence: pinnedText },
]

/** Step 5, where it is known besides who has issued the certificate. */
export const loggedRule: GateStep<JudgedLeaf & LoggedCheck> = {
  name: 'logged',
  check: ({ leaf, member, view, ...facts }) => checkLogged(leaf, member, view, facts),
  evidence: loggedText,
}

/** Every certificate of a member names it by DNS too, or it would be one for callers only. */
function checkNames({ leaf, member }: JudgedLeaf): undefined {
  const names = leaf.extensions.subjectAltName
  if (!names?.dnsNames.length) {
    const allowed = member.dnsNames.join(', ')
    throw new Refused(
      'NAME_MISSING',
      `found a certificate of ${member.service} without a DNS name in its subjectAltName; allowed: ${allowed}`,
      ownPair,
      { leaf },
    )
  }
  const foreign = [
    ...names.dnsNames.filter((name) => !member.dnsNames.includes(name.toLowerCase())),
    ...names.ipAddresses.filter((address) => !member.ipAddresses.includes(address)),
  ]
  if (foreign.length === 0) return undefined
  throw new Refused(
    'NAME_NOT_LISTED',
    `found a certificate of ${member.service} for ${foreign.join(', ')}; allowed: ${[...member.dnsNames, ...member.ipAddresses].join(', ')}`,
    `name it under services.${member.service}.dns_names or ip_addresses, or take the certificate out of use, and run \`mtls apply\``,
    { leaf },
  )
}

function checkSubject({ leaf, member }: JudgedLeaf): undefined {
  const { organization, country } = leaf.subject
  const accepted =
    organization.length === 1 &&
    country.length === 1 &&
    member.subjects.some(
      (subject) => subject.organization === organization[0] && subject.country === country[0],
    )
  if (accepted) return undefined
  const allowed = member.subjects
    .map((subject) => `O=${subject.organization}, C=${subject.country}`)
    .join(' or ')
  throw new Refused(
    'SUBJECT_NOT_ACCEPTED',
    `found a certificate of ${member.service} with ${leaf.subject}; allowed: ${allowed}`,
    ownPair,
    { leaf },
  )
}

function checkRevoked({ leaf, member: { service }, view: { bundle } }: JudgedLeaf): undefined {
  if (!bundle.revoked.has(leaf.serial)) return undefined
  throw new Refused(
    'REVOKED',
    `found the certificate ${leaf.serial} of ${service}, which bundle ${formatDocumentNumber(bundle.head.number)} lists as revoked; allowed: one that is not`,
    `use the newest pair of ${service}: \`mtls status\` says whether it has one; \`mtls issue ${service}\` lets a barred service in again`,
    { leaf },
  )
}

/** RFC 7469 2.6, for the leaf alone: who holds the issuing key does not hold those of the members. */
function checkPinned({ leaf, member: { service }, view }: JudgedLeaf): Refused | undefined {
  const { pins, head } = view.bundle
  if (pins === undefined) return undefined
  const pin = pinOfLeaf(leaf)
  if (pins.of.get(service)?.has(pin)) return undefined
  const refused = new Refused(
    'NOT_PINNED',
    `found the certificate ${leaf.serial} of ${service} for the key sha256/${pin}, which bundle ${formatDocumentNumber(head.number)} does not name; allowed: keys that \`mtls pins ${service}\` shows`,
    `use the newest pair of ${service} that \`mtls apply\` wrote; where that is the one, \`mtls apply\` publishes its pin, and \`mtls pins --suspend 1h\` lets it in meanwhile`,
    { leaf },
  )
  if (pins.mode === 'required') throw refused
  return refused
}

function pinnedText({ leaf, member, view }: JudgedLeaf): string {
  const { pins } = view.bundle
  if (pins === undefined) return 'nothing is pinned'
  return `sha256/${pinOfLeaf(leaf)}, one of ${pins.of.get(member.service)?.size ?? 0} of ${member.service}`
}

function pinOfLeaf({ spki }: Certificate): string {
  return pinOf(keyIdOf(spki))
}

/** Of a subject that was accepted: what others call themselves may be anything. */
function acceptedText({ subject: { organization, country } }: Certificate): string {
  return `O=${organization.join('+')}, C=${country.join('+')}`
}

function namesOf({ extensions: { subjectAltName } }: Certificate): string[] {
  return [...(subjectAltName?.dnsNames ?? []), ...(subjectAltName?.ipAddresses ?? [])]
}
