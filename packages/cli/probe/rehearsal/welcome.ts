import { MeshError } from '@datapunk/mesh'
import type { CaseName, Cell } from '../result.ts'
import type { Stage } from './stage.ts'

/** Without it a service that refuses everybody would be the best of all. */
export const welcomeCase: CaseName = { id: 'welcome', title: 'who may call' }

/** Whoever may call a service, is answered. */
export async function welcomes(stage: Stage): Promise<Cell[]> {
  return Promise.all(stage.cast.services.map((service) => welcome(stage, service)))
}

async function welcome({ mesh, cast }: Stage, service: string): Promise<Cell> {
  const cell = { service, case: welcomeCase.id }
  const caller = cast.callers.get(service)
  if (caller === undefined) return { ...cell, verdict: 'not-asked', evidence: 'nobody may call it' }
  try {
    const answer = await mesh.service(caller).mesh.fetch(`https://${mesh.settings(service).commonName}/`)
    await answer.text()
    if (answer.ok) return { ...cell, verdict: 'answered', evidence: `${caller} got HTTP ${answer.status}` }
    return notAnswered(cell, `${caller} got HTTP ${answer.status}`, `mtls why ${caller} ${service}`)
  } catch (error) {
    if (!(error instanceof MeshError)) throw error
    return notAnswered(cell, `${caller} got ${error.code}: ${error.message}`, `mtls why ${caller} ${service}`)
  }
}

function notAnswered(cell: Pick<Cell, 'service' | 'case'>, evidence: string, command: string): Cell {
  return { ...cell, verdict: 'unproven', evidence, fix: `\`${command}\` tells every rule` }
}
