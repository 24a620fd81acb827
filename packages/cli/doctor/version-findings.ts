import { printableLine } from '@datapunk/authority'
import { MeshError, refuseUnsafeNode } from '@datapunk/mesh'
import manifest from '../package.json' with { type: 'json' }
import { type Examination, isRead } from './examination.ts'
import type { Finding } from './finding.ts'

/** Whether the Node here is one that is safe to join with. */
export function nodeFindings({ system }: Examination): Finding[] {
  try {
    refuseUnsafeNode(system.nodeVersion)
    return []
  } catch (error) {
    if (!(error instanceof MeshError)) throw error
    return [
      {
        id: 'node-unsafe',
        severity: 'error',
        subject: 'node',
        found: error.message,
        fix: 'install a later Node',
      },
    ]
  }
}

/** Whether services run what the authority runs. */
export function versionFindings({ status }: Examination): Finding[] {
  if (!isRead(status)) return []
  return status.services.flatMap(({ instance, versions }): Finding[] => {
    const others = versions.filter((version) => version !== manifest.version).map(printableLine)
    if (others.length === 0) return []
    const found = `it runs version ${others.join(' and ')} of the library; here is ${manifest.version}`
    return [
      {
        id: 'version-other',
        severity: 'note',
        subject: instance,
        found,
        fix: `update @datapunk/mesh in ${instance}`,
      },
    ]
  })
}
