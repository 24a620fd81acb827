import type { Certificate } from '@datapunk/pki'
import { addressText, type Member, PROBE } from '@datapunk/protocol'
import { Refused } from '../refusal.ts'
import type { GateStep } from './gate-step.ts'
import type { Target } from './resolve.ts'
import type { MeshView } from './view.ts'

/** The other end of a call, as far as it is known. */
interface OtherEnd {
  readonly member: Member
  /** Undefined where it showed none. */
  readonly leaf: Certificate | undefined
}

/** A server is the member that owns the name asked for, and its certificate says so too (RFC 9525 6). */
export const targetRule: GateStep<OtherEnd & { readonly target: Target }> = {
  name: 'asked for',
  check: ({ member, leaf, target }) => {
    const names = leaf?.extensions.subjectAltName
    const { reference } = target
    const named = reference.kind === 'dns' ? names?.dnsNames : names?.ipAddresses
    const isNamed = named?.some((name) => name.toLowerCase() === reference.name)
    if (member.service === target.member.service && isNamed) return undefined
    throw new Refused(
      'OTHER_SERVICE',
      `found ${member.service} (${[...(names?.dnsNames ?? []), ...(names?.ipAddresses ?? [])].join(', ')}) at ${addressText(target.host, target.port)}; allowed: ${target.member.service}, for ${reference.name}`,
      `see what listens there, and what services.${target.member.service}.address says`,
      { leaf },
    )
  },
  evidence: ({ member, target }) => `${target.reference.name} is ${member.service}`,
}

/** Whether this caller may call this service. */
export const callerRule: GateStep<OtherEnd & { readonly view: MeshView }> = {
  name: 'allowed',
  check: ({ member, leaf, view }) => {
    const by = view.forbids(member.service)
    if (by === undefined) return undefined
    const allowed = by === 'bundle' ? view.self?.callers : 'what the config file of this service says'
    if (member.service === PROBE) throw isProbe(view, leaf)
    throw new Refused(
      'CALLER_NOT_ALLOWED',
      `found ${member.service} calling ${view.service}; allowed: ${typeof allowed === 'string' ? allowed : allowed?.join(', ') || 'nobody'}`,
      by === 'bundle'
        ? `add ${member.service} to services.${view.service}.allow and run \`mtls apply\``
        : `add ${member.service} to services.${view.service}.allow in the config file that ${view.service} itself reads`,
      { leaf },
    )
  },
  evidence: ({ member, view }) =>
    view.self?.callers === 'members'
      ? `${member.service} may call ${view.service}, as all members may`
      : `${member.service} is among those who may call ${view.service}`,
}

function isProbe({ service }: MeshView, leaf: Certificate | undefined): Refused {
  return new Refused(
    'CALLER_NOT_ALLOWED',
    `found ${PROBE} calling ${service}; allowed: services of the config file, which it is none of`,
    'nothing is to be mended: `mtls probe` has seen to it that it is refused',
    { leaf },
  )
}
