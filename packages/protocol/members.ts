import { z } from 'zod'
import type { Address } from './config/config.ts'
import { ProtocolError } from './error.ts'

/** A member of the mesh, as every peer knows it. */
export interface Member {
  readonly service: string
  readonly spiffeId: string
  /** The common name first. */
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  /** The subjects its certificates may bear: during a change of the config, the old one and the new. */
  readonly subjects: readonly Subject[]
  /** Who may call it. */
  readonly callers: 'members' | readonly string[]
  readonly address: Address | undefined
  readonly listen: Address | undefined
  readonly minTls: '1.3' | '1.2'
}

export interface Subject {
  readonly organization: string
  readonly country: string
}

const address = z.object({ host: z.string(), port: z.int().min(0).max(65_535).optional() })

/** How many DNS names a member may have, and how many addresses: twice as many as the config allows. */
export const MAX_NAMES = 200

/** What a later version adds is passed over. */
const memberSchema = z.object({
  service: z.string().min(1).max(63),
  spiffeId: z.string().startsWith('spiffe://').max(2048),
  dnsNames: z.array(z.string().max(253)).max(MAX_NAMES),
  ipAddresses: z.array(z.string().max(45)).max(MAX_NAMES),
  subjects: z.array(z.object({ organization: z.string(), country: z.string() })).min(1),
  callers: z.union([z.literal('members'), z.array(z.string())]),
  address: address.optional(),
  listen: address.optional(),
  minTls: z.enum(['1.3', '1.2']),
})

const sectionSchema = z.object({ members: z.array(memberSchema) })

/**
 * The section's bytes, a member a line, so that a change of one is a short difference; the same members give the same
 * bytes, in whatever order they come.
 */
export function encodeMembers(members: Iterable<Member>): Uint8Array {
  const sorted = [...members].sort((a, b) => (a.service < b.service ? -1 : 1))
  const lines = sorted.map((member) => JSON.stringify(inFixedOrder(member)))
  return Buffer.from(`{"members":[\n${lines.join(',\n')}\n]}\n`)
}

/** @throws ProtocolError `BUNDLE_INVALID` */
export function parseMembers(bytes: Uint8Array): Member[] {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new ProtocolError('BUNDLE_INVALID', 'the section "members" is not JSON in UTF-8', { cause })
  }
  const parsed = sectionSchema.safeParse(json)
  if (!parsed.success) {
    throw new ProtocolError('BUNDLE_INVALID', 'the section "members" has another shape', {
      cause: parsed.error,
    })
  }
  return parsed.data.members.map((member) => ({
    ...member,
    address: member.address && { host: member.address.host, port: member.address.port },
    listen: member.listen && { host: member.listen.host, port: member.listen.port },
  }))
}

function inFixedOrder(member: Member): z.input<typeof memberSchema> {
  return {
    service: member.service,
    spiffeId: member.spiffeId,
    dnsNames: [...member.dnsNames],
    ipAddresses: [...member.ipAddresses],
    subjects: member.subjects.map(({ organization, country }) => ({ organization, country })),
    callers: member.callers === 'members' ? 'members' : [...member.callers].sort(),
    ...(member.address && { address: onWire(member.address) }),
    ...(member.listen && { listen: onWire(member.listen) }),
    minTls: member.minTls,
  }
}

function onWire({ host, port }: Address): z.input<typeof address> {
  return port === undefined ? { host } : { host, port }
}
