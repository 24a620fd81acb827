import type { Config, ServiceConfig } from '@datapunk/protocol'
import { CliError } from '../../cli-error.ts'
import { liveCases } from '../live-cases.ts'
import { probeLive } from '../live-probe.ts'
import type { CaseName, Cell, ProbeResult } from '../result.ts'
import { callerCases, callersRefused } from './caller-cases.ts'
import { castOf } from './rehearsal-config.ts'
import { type RehearsalWorld, RehearsedMesh } from './rehearsed-mesh.ts'
import { resumedCase, revocations } from './revocation.ts'
import { serverCases, serversRefused } from './server-cases.ts'
import type { Stage } from './stage.ts'
import { welcomeCase, welcomes } from './welcome.ts'

export interface RehearsalOptions {
  readonly config: Config
  readonly services: readonly ServiceConfig[]
  readonly world: RehearsalWorld
}

/** Tries everything, also what needs the key of the CA, or another's name, at a mesh that is like this one and is thrown away. */
export async function rehearse({ config, services, world }: RehearsalOptions): Promise<ProbeResult> {
  const at = world.clock()
  const interrupted = Promise.withResolvers<never>()
  interrupted.promise.catch(() => {})
  const stopListening = world.onSignal(() => interrupted.reject(interruption()))
  try {
    const cast = castOf(config, services)
    const mesh = await RehearsedMesh.open(config, cast, world)
    try {
      const cells = await Promise.race([play({ mesh, cast, world }), interrupted.promise])
      return { mode: 'rehearsal', services: cast.services, cases, cells, at, took: world.clock() - at }
    } finally {
      await mesh.close()
    }
  } finally {
    stopListening()
  }
}

const cases: readonly CaseName[] = [welcomeCase, ...liveCases, resumedCase, ...callerCases, ...serverCases]

async function play(stage: Stage): Promise<Cell[]> {
  const { mesh, cast, world } = stage
  const live = {
    config: mesh.config,
    services: cast.services.map((name) => mesh.settings(name)),
    administration: mesh.authority,
    world,
  }
  const cells = [
    // 1 Who may call, is answered.
    ...(await welcomes(stage)),
    // 2 What is tried at live services too.
    ...(await probeLive(live)).cells,
    // 3 Callers whose certificates no authority should have signed; and servers that no caller may speak with.
    ...(await callersRefused(stage)),
    ...(await serversRefused(stage)),
    // 4 Last, because it takes something away: who was revoked.
    ...(await revocations(stage)),
  ]
  const order = new Map(cases.map(({ id }, index) => [id, index]))
  return cells.sort((a, b) => (order.get(a.case) ?? 0) - (order.get(b.case) ?? 0))
}

function interruption(): CliError {
  return new CliError('INTERRUPTED', 'the rehearsal was interrupted; nothing of it is left')
}
