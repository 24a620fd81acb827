import { type Approach, attempt, type Seen } from '../attempt.ts'
import type { CaseName, Cell } from '../result.ts'
import type { ShownPair } from '../shown-pair.ts'
import { refusedServer, revokedServer } from './server-cases.ts'
import { knock, type Stage } from './stage.ts'

export const resumedCase: CaseName & { readonly rules: readonly string[] } = {
  id: 'revoked-resumed',
  title: 'revoked, resumed',
  rules: ['REVOKED'],
}

interface Resumable {
  readonly service: string
  /** What it shows, and its session; undefined where nobody may call. */
  readonly approach: Approach | undefined
  /** A try to resume it before anything was revoked: what makes the one after it a proof. */
  readonly control: Seen | undefined
}

/**
 * Whoever was revoked does not come back by a session of before, and is no server any more.
 *
 * 1 every member has a newer pair, and goes on with that → 2 callers with the old ones have sessions that can be resumed → 3 the
 * old ones are revoked, and every member knows it → 4 neither they nor their sessions are of use
 */
export async function revocations(stage: Stage): Promise<Cell[]> {
  const { mesh, cast } = stage
  // 1
  const old = new Map(cast.members.map((name) => [name, mesh.pair(name)]))
  for (const name of cast.members) await mesh.authority.issue(name)
  await mesh.settled()
  await Promise.all(cast.members.map((name) => mesh.service(name).mesh.refresh()))
  // 2
  const resumables = await Promise.all(cast.services.map((service) => resumable(stage, service, old)))
  // 3
  const targets = [...old.values()].map(({ serial }) => ({ serial }))
  await mesh.authority.revoke({ targets, reason: 'superseded' })
  await mesh.settled()
  // 4
  const resumed = await Promise.all(resumables.map((one) => resumedAfter(stage, one)))
  const served = await Promise.all(
    cast.services.map((service) =>
      refusedServer(stage, service, revokedServer, old.get(service) as ShownPair),
    ),
  )
  return [...resumed, ...served]
}

async function resumable(
  { mesh, cast }: Stage,
  service: string,
  old: ReadonlyMap<string, ShownPair>,
): Promise<Resumable> {
  const pair = old.get(cast.callers.get(service) ?? '')
  if (pair === undefined) return { service, approach: undefined, control: undefined }
  const place = mesh.place(service)
  const { certificate, key } = pair
  const { sessions } = await attempt(place, { certificate, key })
  const approach = { certificate, key, session: sessions.at(-1) }
  return { service, approach, control: await attempt(place, approach) }
}

async function resumedAfter(stage: Stage, { service, approach, control }: Resumable): Promise<Cell> {
  const cell = { service, case: resumedCase.id }
  if (approach === undefined) return { ...cell, verdict: 'not-asked', evidence: 'nobody may call it' }
  // A server that speaks TLS 1.2 too gives nobody tickets (`tls-profile.ts`).
  const isResumed = control?.resumed === true || stage.mesh.settings(service).minTls === '1.2'
  if (!isResumed || !control?.received.startsWith('HTTP/1.1 200')) {
    const evidence = 'no session could be resumed before anything was revoked, so none was tried after it'
    const fix = 'report this: sessions of before a revocation can’t be tried'
    return { ...cell, verdict: 'unproven', evidence, fix }
  }
  return knock(stage, service, resumedCase, approach)
}
