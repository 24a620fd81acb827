import type { Mesh } from '@datapunk/mesh'
import type { Calls } from './calls.ts'
import type { Report } from './report.ts'

/** Milliseconds. */
const EVERY = 2000

/** Failures in a row that are nobody's business: nexus may be starting. */
const PATIENCE = 4

/**
 * Tells nexus over the mesh, every two seconds, whom this service has heard. That nexus can't be reached is
 * said once, and once that it can again.
 *
 * @param counts what the service has done so far, by name
 * @param say prints a line
 * @returns ends it
 */
export function startReporting(
  mesh: Mesh,
  calls: Calls,
  counts: () => Report['counts'],
  say: (line: string) => void,
): () => void {
  let failures = 0
  const timer = setInterval(async () => {
    try {
      await sendReport(mesh, { calls: calls.list, refused: calls.refused, counts: counts() })
      if (failures > PATIENCE) say('nexus takes reports again')
      failures = 0
    } catch (error) {
      failures++
      if (failures === PATIENCE + 1)
        say(`no report to nexus: ${error instanceof Error ? error.message : error}`)
    }
  }, EVERY)
  return () => clearInterval(timer)
}

async function sendReport(mesh: Mesh, report: Report): Promise<void> {
  const reply = await mesh.fetch('https://nexus.service.datapunk/reports', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(report),
    signal: AbortSignal.timeout(EVERY),
  })
  const text = await reply.text()
  if (!reply.ok) throw new Error(`it answered ${reply.status}: ${text.trim()}`)
}
