import type { RefusedCaller } from '@datapunk/protocol'
import { type Approach, attempt, type Seen } from '../attempt.ts'
import { judge } from '../judgement.ts'
import type { CaseName, Cell } from '../result.ts'
import type { Cast } from './rehearsal-config.ts'
import type { RehearsalWorld, RehearsedMesh } from './rehearsed-mesh.ts'

/** What every scene of a rehearsal plays on. */
export interface Stage {
  readonly mesh: RehearsedMesh
  readonly cast: Cast
  readonly world: RehearsalWorld
}

/** Somebody who knocks at a service, or calls what stands in its place: who may call it, where anybody may. */
export function otherEndOf({ cast }: Stage, service: string): string {
  return cast.callers.get(service) ?? cast.members.find((name) => name !== service) ?? service
}

/** Knocks at a service as somebody whom it must refuse; what it has refused is heard from itself. */
export async function knock(
  { mesh }: Stage,
  service: string,
  asked: CaseName & { readonly rules: readonly string[] },
  approach: Approach,
): Promise<Cell> {
  const place = mesh.place(service)
  const seen = await attempt(place, approach)
  return judge({
    ...{ service, place, source: 'reports', isOpen: false, control: undefined, stranger: undefined },
    isLate: false,
    file: undefined,
    case: { ...asked, alerts: [], shows: 'current' },
    tries: [{ way: undefined, seen, told: toldOf(mesh, service, seen) }],
  })
}

function toldOf(mesh: RehearsedMesh, service: string, { localPort }: Seen): RefusedCaller | undefined {
  return mesh
    .service(service)
    .refusals.findLast(({ remote, direction }) => direction === 'in' && remote?.endsWith(`:${localPort}`))
}
