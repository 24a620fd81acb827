import type { ServiceConfig } from '@datapunk/protocol'
import { inParallel } from '../in-parallel.ts'
import type { CaseName, Cell } from '../result.ts'
import type { ShownPair } from '../shown-pair.ts'
import { type StrangerKind, strangers } from '../strangers.ts'
import { type CalledServer, callBadServer } from './bad-server.ts'
import { allowance, faultsOfServers } from './faults.ts'
import { misissue } from './misissue.ts'
import { otherEndOf, type Stage } from './stage.ts'

const AT_ONCE = 8

interface ServerCase extends CaseName {
  readonly rules: readonly string[]
}

const unknownIssuer = ['ISSUER_UNKNOWN', 'AUTHORITY_KEY_MISMATCH', 'SIGNATURE_INVALID']

const strange: Readonly<Record<StrangerKind, ServerCase>> = {
  'other-ca': { id: 'server-other-ca', title: 'server: of another CA', rules: unknownIssuer },
  'self-signed': { id: 'server-self-signed', title: 'server: self-signed', rules: unknownIssuer },
  'other-mesh': { id: 'server-other-mesh', title: 'server: of another mesh', rules: unknownIssuer },
}

const anotherService: ServerCase = {
  id: 'server-other-service',
  title: 'server: another service',
  rules: ['OTHER_SERVICE'],
}

const oldServer: ServerCase = {
  id: 'server-old-tls',
  title: 'server: old TLS',
  rules: ['HANDSHAKE_FAILED'],
}

export const revokedServer: ServerCase = {
  id: 'server-revoked',
  title: 'server: revoked',
  rules: ['REVOKED'],
}

/** Servers that no caller may speak with; who is revoked comes last of all. */
export const serverCases: readonly ServerCase[] = [
  ...Object.values(strange),
  anotherService,
  ...faultsOfServers.map(({ id, title, rules }) => ({
    id: `server-${id}`,
    title: `server: ${title}`,
    rules,
  })),
  oldServer,
  revokedServer,
]

/** Somebody else stands where a service would be, and a member calls it by the library. */
export async function serversRefused(stage: Stage): Promise<Cell[]> {
  const scenes = await Promise.all(stage.cast.services.map((service) => scenesOf(stage, service)))
  return inParallel(scenes.flat(), AT_ONCE, (play) => play())
}

async function scenesOf(stage: Stage, service: string): Promise<(() => Promise<Cell>)[]> {
  const { mesh, world } = stage
  const { config } = mesh
  const [member, pair, ca] = [mesh.settings(service), mesh.pair(service), mesh.issuingCa()]
  const { commonName: issuerName = '' } = ca.certificate.subject
  const { clock, randomBytes } = world
  const made = await strangers({ config, member, now: clock(), randomBytes, issuerName })
  const kinds = Object.keys(strange) as StrangerKind[]
  return [
    ...kinds.map((kind) => () => refusedServer(stage, service, strange[kind], made[kind])),
    () => refusedOther(stage, service),
    ...faultsOfServers.map((fault) => async (): Promise<Cell> => {
      const [id, allowed] = [`server-${fault.id}`, allowance(fault, config)]
      if (allowed !== undefined) return { service, case: id, verdict: 'not-asked', evidence: allowed }
      const shown = await misissue(fault, { config, member, other: member, as: 'server', pair, ca, world })
      return refusedServer(stage, service, { ...fault, id }, shown)
    }),
    () => refusedOld(stage, service, member, pair),
  ]
}

/** A call to what stands where the service would be; refused before anything was said in confidence. */
export async function refusedServer(
  stage: Stage,
  service: string,
  asked: ServerCase,
  pair: ShownPair,
): Promise<Cell> {
  const caller = otherEndOf(stage, service)
  return judgeCall(service, asked, await callBadServer(stage.mesh.service(caller).mesh, service, pair))
}

/** Another member, with its own good pair: every check but the name is kept. */
async function refusedOther(stage: Stage, service: string): Promise<Cell> {
  const other = stage.cast.members.find((name) => name !== service)
  const evidence = `nobody but ${service} plays here`
  if (other === undefined) return { service, case: anotherService.id, verdict: 'not-asked', evidence }
  return refusedServer(stage, service, anotherService, stage.mesh.pair(other))
}

async function refusedOld(
  stage: Stage,
  service: string,
  { minTls }: ServiceConfig,
  pair: ShownPair,
): Promise<Cell> {
  const caller = stage.mesh.service(otherEndOf(stage, service)).mesh
  const called = await callBadServer(caller, service, pair, minTls === '1.2' ? 'TLSv1.1' : 'TLSv1.2')
  return judgeCall(service, oldServer, { ...called, rule: called.rule ?? called.code })
}

function judgeCall(service: string, { id, rules }: ServerCase, called: CalledServer): Cell {
  const { rule, code, message, heard } = called
  const cell = { service, case: id, rule }
  if (code === undefined || heard > 0) {
    const fix = 'report this: the library spoke with a server that it has to refuse'
    return { ...cell, verdict: 'let-in', evidence: `its caller was connected, and said ${heard} bytes`, fix }
  }
  if (rule !== undefined && rules.includes(rule))
    return { ...cell, verdict: 'refused', evidence: `its caller refused it: ${rule}` }
  const evidence = `its caller failed with ${code}: ${message}; expected: ${rules.join(' or ')}`
  return { ...cell, verdict: 'unproven', evidence, fix: 'report this: a refusal must have its rule' }
}
