import { canonicalHost, type Member } from '@datapunk/protocol'
import { MeshError } from '../error.ts'
import type { MeshView } from './view.ts'

/** Whom a call means, and where that is: made from the name asked for and the bundle, before anyone was connected to. */
export interface Target {
  readonly member: Member
  /** What the server's certificate must be for (RFC 9525 6.1.1: built independently of what the server shows). */
  readonly reference: { readonly kind: 'dns' | 'ip'; readonly name: string }
  /** Where to connect to: the member's `address`, else the name itself, which then DNS resolves. */
  readonly host: string
  readonly port: number
}

/**
 * Finds the member that a name means.
 *
 * @param host a DNS name or IP address of a member, or its service name
 * @param port as asked for; undefined where none was given: then the port of the member's `address` counts
 * @throws MeshError `NAME_UNKNOWN`, `PORT_UNKNOWN`
 */
export function resolveTarget(view: MeshView, host: string, port: number | undefined): Target {
  const { member, byName, name } = lookUp(view, host)
  const referenceName = byName === undefined ? member.dnsNames[0] : name
  if (referenceName === undefined) throw unknownName(view, host)
  const kind = byName !== undefined && member.ipAddresses.includes(name) ? 'ip' : 'dns'
  const actualPort = port ?? member.address?.port
  if (actualPort === undefined) throw unknownPort(member, host)
  return {
    member,
    reference: { kind, name: referenceName },
    host: member.address?.host ?? referenceName,
    port: actualPort,
  }
}

/**
 * The member alone.
 *
 * @throws MeshError `NAME_UNKNOWN`
 */
export function memberAt(view: MeshView, host: string): Member {
  return lookUp(view, host).member
}

function lookUp(view: MeshView, host: string) {
  const name = canonicalHost(host.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, ''))
  const byName = view.bundle.memberByName.get(name)
  const member = byName ?? view.bundle.members.get(name)
  if (member === undefined) throw unknownName(view, host)
  return { member, byName, name }
}

function unknownName(view: MeshView, host: string): MeshError {
  return new MeshError(
    'NAME_UNKNOWN',
    `found the name ${host}, which no member of the mesh ${view.trust.trustDomain} has; allowed: the names of its members, which \`mtls status\` lists`,
    { data: { host } },
  )
}

function unknownPort(member: Member, host: string): MeshError {
  return new MeshError(
    'PORT_UNKNOWN',
    `found no port for ${host}; allowed: one in the call, or in services.${member.service}.address`,
    { data: { host, service: member.service } },
  )
}
