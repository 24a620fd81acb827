import { authorityName } from '@datapunk/protocol'
import { inParallel } from '../in-parallel.ts'
import type { CaseName, Cell } from '../result.ts'
import { allowance, faults } from './faults.ts'
import { misissue } from './misissue.ts'
import { knock, otherEndOf, type Stage } from './stage.ts'

const AT_ONCE = 16

/** Callers with certificates that only a CA could have made, and none should have. */
export const callerCases: readonly CaseName[] = faults.map(({ id, title }) => ({ id: `caller-${id}`, title }))

/** Somebody who may call knocks with a certificate that has one fault. */
export function callersRefused(stage: Stage): Promise<Cell[]> {
  const { mesh, world, cast } = stage
  const scenes = cast.services.flatMap((service) => faults.map((fault) => ({ service, fault })))
  return inParallel(scenes, AT_ONCE, async ({ service, fault }): Promise<Cell> => {
    const id = `caller-${fault.id}`
    const allowed = allowance(fault, mesh.config)
    if (allowed !== undefined) return { service, case: id, verdict: 'not-asked', evidence: allowed }
    const name = otherEndOf(stage, service)
    const other = mesh.settings(service)
    const [member, pair] = [mesh.settings(name), mesh.pair(name)]
    const facts = { config: mesh.config, member, other: borrowed(stage, name, other), as: 'caller' } as const
    const shown = await misissue(fault, { ...facts, pair, ca: mesh.issuingCa(), world })
    return knock(stage, service, { ...fault, id }, shown)
  })
}

/** Of a mesh of one service nobody else's names can be borrowed, but those of the authority. */
function borrowed({ mesh }: Stage, name: string, other: ReturnType<Stage['mesh']['settings']>) {
  if (other.service !== name) return other
  return { ...other, dnsNames: [authorityName(mesh.config.trustDomain)] }
}
